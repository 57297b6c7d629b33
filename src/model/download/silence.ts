import type { Clock } from '../../lib/clock.ts';

/** A connection on which no byte came for too long. */
export class SilenceError extends Error {
  constructor(afterMs: number) {
    super(`no byte came for ${afterMs / 1000} s`);
    this.name = 'SilenceError';
  }
}

/** Watches one connection. Only the time in which bytes are waited for counts, not the time the disk takes. */
export interface SilenceWatch {
  /** Bytes are waited for from now on, also when some just came. */
  waiting(): void;
  /** Bytes came; they are being worked on. */
  working(): void;
  stop(): void;
}

/** Calls `onSilence` once, as soon as `limitMs` have passed in which bytes were waited for and none came. */
export function watchSilence(
  clock: Clock,
  limitMs: number,
  onSilence: (error: SilenceError) => void,
): SilenceWatch {
  const stopped = new AbortController();
  let waitingSinceMs: number | null = clock.monotonicMs();
  const watch = async () => {
    for (;;) {
      const silentMs = waitingSinceMs === null ? 0 : clock.monotonicMs() - waitingSinceMs;
      if (silentMs >= limitMs) {
        onSilence(new SilenceError(limitMs));
        return;
      }
      await clock.sleep(waitingSinceMs === null ? limitMs / 10 : limitMs - silentMs, stopped.signal);
    }
  };
  watch().catch(() => undefined);
  return {
    waiting: () => {
      waitingSinceMs = clock.monotonicMs();
    },
    working: () => {
      waitingSinceMs = null;
    },
    stop: () => stopped.abort(),
  };
}
