import type { Clock } from '../../lib/clock.ts';
import { afterInterval, afterRefusal, firstWidth } from './width.ts';

/** How many connections may be used now. */
export interface Pace {
  readonly connections: number;
  /** What one connection usually brings, in bytes a second; null while that is not known. */
  readonly usualRate: number | null;
  /** Counts bytes that came. */
  received(bytes: number): void;
  /** Judges what came since the last call; `allBusy` says whether every connection had work then. */
  judge(allBusy: boolean): void;
  /** A connection was refused. */
  refused(): void;
}

/** The pace at the start of a download. */
export function createPace(clock: Pick<Clock, 'monotonicMs'>): Pace {
  let width = firstWidth();
  let usualRate: number | null = null;
  let bytes = 0;
  let judgedMs = clock.monotonicMs();
  return {
    get connections() {
      return width.connections;
    },
    get usualRate() {
      return usualRate;
    },
    received(more) {
      bytes += more;
    },
    judge(allBusy) {
      const nowMs = clock.monotonicMs();
      const bytesPerSecond = (bytes / Math.max(1, nowMs - judgedMs)) * 1000;
      if (allBusy) {
        usualRate = bytesPerSecond / width.connections;
        width = afterInterval(width, bytesPerSecond, nowMs);
      }
      bytes = 0;
      judgedMs = nowMs;
    },
    refused() {
      width = afterRefusal(width, clock.monotonicMs());
    },
  };
}
