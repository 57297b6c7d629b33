import { describe, expect, it } from 'vitest';
import { watchSilence } from '../../../src/model/download/silence.ts';
import { createManualClock } from '../../support/manual-clock.ts';

describe('the watch over a connection', () => {
  it('calls after exactly the limit without a byte', async () => {
    const clock = createManualClock();
    const calls: number[] = [];
    const watch = watchSilence(clock, 30_000, () => calls.push(clock.monotonicMs()));
    await clock.advance(29_000);
    watch.working();
    watch.waiting();
    await clock.advance(29_999);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect(calls).toEqual([59_000]);
  });

  it('does not count the time that the disk takes', async () => {
    const clock = createManualClock();
    let calls = 0;
    const watch = watchSilence(clock, 30_000, () => {
      calls += 1;
    });
    watch.working();
    await clock.advance(300_000);
    expect(calls).toBe(0);
    watch.waiting();
    await clock.advance(33_000);
    expect(calls).toBe(1);
  });

  it('is over when it is stopped', async () => {
    const clock = createManualClock();
    let calls = 0;
    watchSilence(clock, 30_000, () => {
      calls += 1;
    }).stop();
    await clock.advance(300_000);
    expect(calls).toBe(0);
    expect(clock.untilNext()).toBeNull();
  });
});
