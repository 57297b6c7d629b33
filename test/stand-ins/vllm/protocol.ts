import type { StartFacts } from './start-log.ts';

/** What the API process tells its engine process. */
export type ToEngine =
  | { type: 'generate'; id: number; tokens: number; delayMs: number }
  | { type: 'abort'; id: number }
  | { type: 'leak'; bytesPerSecond: number }
  | { type: 'shutdown' };

/** What the engine process tells the API process. */
export type FromEngine =
  | { type: 'ready' }
  | { type: 'token'; id: number; index: number }
  | { type: 'finished'; id: number };

/** How an engine process is started: JSON in its first argument. */
export interface EngineOptions {
  facts: StartFacts;
  /** Name in the table of failing starts; '' for none. */
  fail: string;
  /** For `kv_small`, in tokens. */
  fittingTokens: number;
  checkWeights: boolean;
  leakBytesPerSecond: number;
}
