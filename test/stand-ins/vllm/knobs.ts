/** How a stand-in is told to misbehave, by its environment. Times in milliseconds. */
export interface Knobs {
  /** STAND_IN_LOAD_SECONDS: from start to serving. */
  loadMs: number;
  /** STAND_IN_FAIL: a name of `failures.ts`; the start fails in its words. '' or `none`: it does not. */
  fail: string;
  /** STAND_IN_FAIL_STARTS: only the first N starts of this container fail; 0: all. */
  failStarts: number;
  /** STAND_IN_CRASH_AFTER_SECONDS of serving the engine process is killed; null: never. */
  crashAfterMs: number | null;
  /** STAND_IN_HANG_AFTER_SECONDS of serving the engine process stops moving; null: never. */
  hangAfterMs: number | null;
  /** STAND_IN_LEAK_BYTES_PER_SECOND: the engine process takes that much memory from the first second of serving. */
  leakBytesPerSecond: number;
  /** STAND_IN_TOKEN_DELAY_MS: between two tokens of an answer. */
  tokenDelayMs: number;
  /** STAND_IN_NO_CHAT_TEMPLATE=1: the model has none. */
  noChatTemplate: boolean;
  /** STAND_IN_CHECK_CACHE=0: do not look for the model, even with HF_HUB_OFFLINE=1. */
  checkCache: boolean;
  /** STAND_IN_MODEL_MAX_LEN: the model's own longest context where no config.json says it, in tokens. */
  modelMaxLen: number;
  /** STAND_IN_FITTING_TOKENS: the longest context that `kv_small` leaves room for, in tokens. */
  fittingTokens: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const seconds = (text: string | undefined): number | null =>
  text === undefined || text === '' ? null : Number(text) * 1000;

/** Reads the knobs; without any, the stand-in loads for two seconds and behaves. */
export function readKnobs(env: Environment): Knobs {
  return {
    loadMs: seconds(env['STAND_IN_LOAD_SECONDS']) ?? 2000,
    fail: env['STAND_IN_FAIL'] === 'none' ? '' : (env['STAND_IN_FAIL'] ?? ''),
    failStarts: Number(env['STAND_IN_FAIL_STARTS'] ?? 0),
    crashAfterMs: seconds(env['STAND_IN_CRASH_AFTER_SECONDS']),
    hangAfterMs: seconds(env['STAND_IN_HANG_AFTER_SECONDS']),
    leakBytesPerSecond: Number(env['STAND_IN_LEAK_BYTES_PER_SECOND'] ?? 0),
    tokenDelayMs: Number(env['STAND_IN_TOKEN_DELAY_MS'] ?? 5),
    noChatTemplate: env['STAND_IN_NO_CHAT_TEMPLATE'] === '1',
    checkCache: env['STAND_IN_CHECK_CACHE'] !== '0',
    modelMaxLen: Number(env['STAND_IN_MODEL_MAX_LEN'] ?? 2048),
    fittingTokens: Number(env['STAND_IN_FITTING_TOKENS'] ?? 1024),
  };
}
