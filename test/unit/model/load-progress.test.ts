import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOAD_PHASES, type LoadMark } from '../../../src/model/load-line.ts';
import {
  allowedSilenceMs,
  finishedDurations,
  type LoadProgress,
  loadView,
  newLoad,
  takeMark,
} from '../../../src/model/load-progress.ts';

const EXPECTED = {
  config: 10_000,
  'load weights': 30_000,
  compile: 48_000,
  'memory profiling': 2_000,
  graphs: 8_000,
  serving: 2_000,
};

/** The progress after marks at given seconds. */
function loadAfter(...marks: [seconds: number, mark: LoadMark][]): LoadProgress {
  return marks.reduce((load, [seconds, mark]) => takeMark(load, mark, seconds * 1_000), newLoad(0));
}
const percentAt = (load: LoadProgress, seconds: number, expected: typeof EXPECTED | null = EXPECTED) =>
  loadView(load, expected, seconds * 1_000).percent;

describe('phases', () => {
  test('only go on: what another worker says late changes nothing', () => {
    const load = loadAfter([5, { phase: 'compile' }]);
    expect(takeMark(load, { phase: 'load weights', fraction: 0.5 }, 6_000)).toBe(load);
    expect(load).toMatchObject({ phase: 'compile', phaseSinceMs: 5_000, spent: { config: 5_000 } });
  });

  test('may be left out: without compilation memory follows weights', () => {
    const load = loadAfter(
      [1, { phase: 'config', eager: true }],
      [5, { phase: 'load weights' }],
      [9, { phase: 'compile' }],
    );
    expect(load.phase).toBe('memory profiling');
  });

  test('leave behind what each of them took', () => {
    const load = loadAfter(
      [5, { phase: 'load weights' }],
      [20, { phase: 'memory profiling' }],
      [21, { phase: 'serving' }],
    );
    expect(finishedDurations(load, 23_000)).toEqual({
      config: 5_000,
      'load weights': 15_000,
      'memory profiling': 1_000,
      serving: 2_000,
    });
  });

  test('a bar that falls back, as that of a second worker, does not', () => {
    const load = loadAfter([5, { phase: 'load weights', fraction: 0.6 }]);
    expect(takeMark(load, { phase: 'load weights', fraction: 0.3 }, 6_000)).toBe(load);
  });
});

describe('the bar of a load', () => {
  test('is what the log says within a phase, weighed by what phases took', () => {
    const load = loadAfter([10, { phase: 'load weights' }], [20, { phase: 'load weights', fraction: 0.5 }]);
    expect(percentAt(load, 25)).toBe(25);
  });

  test('goes on through a silent phase by what it took last time, and never claims that it is over', () => {
    const load = loadAfter([10, { phase: 'load weights' }], [40, { phase: 'compile' }]);
    expect(percentAt(load, 40)).toBe(40);
    expect(percentAt(load, 64)).toBe(64);
    expect(percentAt(load, 87)).toBeLessThan(88);
    expect(percentAt(load, 100_000)).toBeLessThanOrEqual(88);
  });

  test('is at a landmark of a silent phase at the latest when that is passed', () => {
    const load = loadAfter([1, { phase: 'config', atLeast: 0.75 }]);
    expect(percentAt(load, 1)).toBe(7.5);
    expect(percentAt(load, 8)).toBe(8);
    expect(takeMark(load, { phase: 'config', atLeast: 0.25 }, 2_000)).toBe(load);
  });

  test('stays below 100 however long the answer takes', () => {
    const load = loadAfter([100, { phase: 'serving' }]);
    expect(percentAt(load, 10_000_000)).toBeLessThan(100);
  });

  test('has usual lengths, but no estimate, on a machine that has seen no start', () => {
    const load = loadAfter([15, { phase: 'load weights' }], [20, { phase: 'load weights', fraction: 0.5 }]);
    expect(loadView(load, null, 20_000)).toMatchObject({ phase: 'load weights', etaSeconds: null });
    expect(percentAt(load, 20, null)).toBeGreaterThan(0);
  });

  test('never falls while time passes and lines come in any order', () => {
    const mark = fc.record({
      phase: fc.constantFrom(...LOAD_PHASES),
      fraction: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 60_000 }), mark), { maxLength: 30 }),
        (steps) => {
          let load = newLoad(0);
          let now = 0;
          let before = -1;
          for (const [pause, { phase, fraction }] of steps) {
            now += pause;
            const waited = loadView(load, EXPECTED, now);
            load = takeMark(load, fraction === undefined ? { phase } : { phase, fraction }, now);
            const phaseBefore = Math.floor(before);
            const shown = Math.max(before, loadView(load, EXPECTED, now).percent, waited.percent);
            expect(shown).toBeGreaterThanOrEqual(phaseBefore);
            expect(shown).toBeLessThan(100);
            before = shown;
          }
        },
      ),
    );
  });
});

describe('the estimate', () => {
  const eta = (load: LoadProgress, seconds: number) => loadView(load, EXPECTED, seconds * 1_000).etaSeconds;

  test('is exact where this start goes as the last one did', () => {
    const load = loadAfter([10, { phase: 'load weights' }], [40, { phase: 'compile' }]);
    expect(eta(load, 50)).toBeCloseTo(50, 6);
    expect(eta(newLoad(0), 0)).toBeCloseTo(100, 6);
  });

  test('follows the pace of a bar where it differs from the last start', () => {
    const load = loadAfter([10, { phase: 'load weights' }], [40, { phase: 'load weights', fraction: 0.5 }]);
    expect(eta(load, 40)).toBeCloseTo(30 + 60, 6);
    expect(eta(load, 50)).toBeCloseTo(20 + 60, 6);
  });

  test('takes over half of the pace, as a factor, at which earlier phases went', () => {
    const slow = loadAfter([40, { phase: 'load weights' }]);
    expect(eta(slow, 40)).toBeCloseTo(2 * 90, 6);
    const fast = loadAfter([2.5, { phase: 'load weights' }]);
    expect(eta(fast, 2.5)).toBeCloseTo(90 / 2, 6);
  });

  test('takes no pace from phases that are over in no time', () => {
    const short = { ...EXPECTED, config: 100 };
    const load = loadAfter([10, { phase: 'load weights' }]);
    expect(loadView(load, short, 10_000).etaSeconds).toBeCloseTo(90, 6);
  });

  test('of an overdue phase grows instead of standing at zero', () => {
    const load = loadAfter([10, { phase: 'load weights' }], [40, { phase: 'compile' }]);
    const late = eta(load, 140) ?? 0;
    expect(late).toBeGreaterThan(12);
    expect(eta(load, 240) ?? 0).toBeGreaterThan(late);
  });
});

test('a phase may be silent for its known length and half as much, one that nobody knows not at all', () => {
  const load = loadAfter([10, { phase: 'compile' }]);
  expect(allowedSilenceMs(load, EXPECTED)).toBe(72_000);
  expect(allowedSilenceMs(load, null)).toBe(0);
});
