import type { Clock } from '../../lib/clock.ts';

/** Shorter waits are not worth a timer; they add up to one that is. */
const SHORTEST_WAIT_MS = 20;

/** Holds all connections together to a rate. */
export interface Limiter {
  /** Counts bytes that came. A promise, when they came too fast: no more may be read until it resolves. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined;
}

/** Makes a limiter of so many bytes a second; null is no limit. Time that nothing came in is not made up for. */
export function createLimiter(clock: Clock, bytesPerSecond: number | null): Limiter {
  let paidUntilMs = Number.NEGATIVE_INFINITY;
  return {
    take(bytes, signal) {
      if (bytesPerSecond === null) return undefined;
      const nowMs = clock.monotonicMs();
      paidUntilMs = Math.max(paidUntilMs, nowMs) + (bytes / bytesPerSecond) * 1000;
      const aheadMs = paidUntilMs - nowMs;
      return aheadMs < SHORTEST_WAIT_MS ? undefined : clock.sleep(aheadMs, signal);
    },
  };
}
