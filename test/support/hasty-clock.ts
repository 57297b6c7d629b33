import { type Clock, systemClock } from '../../src/lib/clock.ts';

/** The machine's clock on which sleeping goes faster. */
export interface HastyClock extends Clock {
  /** All sleep that has come to its end, as it was asked for, in milliseconds: what a busy machine adds is not in it. */
  sleptMs(): number;
}

/** Makes one on which a sleep takes a `speed`th of its time. */
export function createHastyClock(speed: number): HastyClock {
  let slept = 0;
  return {
    ...systemClock,
    sleep: async (ms, signal) => {
      await systemClock.sleep(ms / speed, signal);
      slept += ms;
    },
    sleptMs: () => slept,
  };
}
