import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still until it is told how far to go. */
export interface ManualClock extends Clock {
  /** Goes forward, waking each sleeper at its time and giving it a turn to go on. */
  advance(ms: number): Promise<void>;
  /** Milliseconds until the next sleeper wakes, or null. */
  untilNext(): number | null;
}

/** Makes one that begins at the given wall time. */
export function createManualClock(start = new Date('2026-01-01T00:00:00Z')): ManualClock {
  let nowMs = 0;
  const sleepers = new Set<{ atMs: number; wake: () => void }>();
  const next = () => [...sleepers].sort((a, b) => a.atMs - b.atMs)[0];
  return {
    monotonicMs: () => nowMs,
    now: () => new Date(start.getTime() + nowMs),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = {
          atMs: nowMs + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        const onAbort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    async advance(ms) {
      const until = nowMs + ms;
      for (let due = next(); due !== undefined && due.atMs <= until; due = next()) {
        nowMs = Math.max(nowMs, due.atMs);
        due.wake();
        await nextTurn();
      }
      nowMs = until;
      await nextTurn();
    },
    untilNext: () => {
      const sleeper = next();
      return sleeper === undefined ? null : sleeper.atMs - nowMs;
    },
  };
}
