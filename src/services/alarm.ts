import type { Clock } from '../lib/clock.ts';

/** Made once: an abort without a reason would make an error with a stack each time. */
const DISARMED = new Error('another deadline is earlier');

/** One timer for the earliest of all deadlines. */
export interface Alarm {
  /** Rings at this monotonic time at the latest; it may ring earlier. */
  set(at: number): void;
  stop(): void;
}

/** Makes an alarm that calls `ring`; a later deadline leaves an earlier one in place, because a wake-up too many is harmless. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let armedFor = Number.POSITIVE_INFINITY;
  let armed: AbortController | null = null;
  const stop = () => {
    armed?.abort(DISARMED);
    armed = null;
    armedFor = Number.POSITIVE_INFINITY;
  };
  return {
    stop,
    set(at) {
      if (at >= armedFor) return;
      stop();
      const controller = new AbortController();
      armed = controller;
      armedFor = at;
      clock.sleep(Math.max(0, at - clock.monotonicMs()), controller.signal).then(
        () => {
          if (armed !== controller) return;
          armed = null;
          armedFor = Number.POSITIVE_INFINITY;
          ring();
        },
        () => undefined,
      );
    },
  };
}
