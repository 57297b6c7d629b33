import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/lib/log.ts';
import { createLoadMemory, type LoadCase } from '../../../src/model/load-times.ts';
import { createLoadWatch } from '../../../src/model/load-watch.ts';
import { createVirtualClock, VIRTUAL_START } from '../../support/virtual-clock.ts';

const CASE: LoadCase = { model: 'org/name', image: 'vllm:1', gpu: 'RTX 4000' };
const LINES = {
  weights: 'Starting to load model org/name...',
  loaded: 'Model loading took 13.5 GiB memory and 20.1 seconds',
  compiling: 'Dynamo bytecode transform time: 8.51 s',
  cached: 'Directly load the compiled graph(s) for compile range (1, 2048) from the cache',
  compiled: 'torch.compile took 30.12 s in total',
  up: 'init engine (profile, create kv cache, warmup model) took 61.07 seconds',
};

/** A watch in virtual time whose memory outlives it. */
function stage() {
  const clock = createVirtualClock();
  const stored = { text: '{}' };
  const memory = createLoadMemory({
    get: () => JSON.parse(stored.text),
    set: (value) => {
      stored.text = JSON.stringify(value);
      return Promise.resolve();
    },
  });
  const told = { moves: 0, changes: 0 };
  const watch = createLoadWatch({
    clock,
    log: silentLog,
    memory,
    onMove: () => {
      told.moves += 1;
    },
    onChange: () => {
      told.changes += 1;
    },
  });
  const ended = new AbortController();
  void watch.run(ended.signal);
  /** A whole start, each line after so many seconds. */
  const start = async (
    steps: readonly [seconds: number, line: string][],
    { firstRun = false, of = CASE } = {},
  ) => {
    watch.begin({ startedAt: null, firstRun, of: () => of });
    const shown: number[] = [];
    const etas: (number | null)[] = [];
    for (const [seconds, line] of steps) {
      for (let second = 0; second < seconds; second += 1) {
        await clock.advance(1_000);
        shown.push(watch.view()?.percent ?? -1);
        etas.push(watch.view()?.etaSeconds ?? null);
      }
      watch.line(line, '');
    }
    await clock.advance(2_000);
    watch.ready();
    return { shown, etas };
  };
  return { clock, watch, told, start, stored };
}

const COLD: [number, string][] = [
  [10, LINES.weights],
  [20, LINES.loaded],
  [5, LINES.compiling],
  [43, LINES.compiled],
  [4, LINES.up],
];
const WARM: [number, string][] = [
  [10, LINES.weights],
  [20, LINES.loaded],
  [2, LINES.cached],
  [5, LINES.compiled],
  [4, LINES.up],
];

describe('the watch of a load', () => {
  test('shows nothing before a run, after its end, and after its answer', async () => {
    const { watch, start } = stage();
    expect(watch.view()).toBeNull();
    watch.begin({ startedAt: null, firstRun: true, of: () => CASE });
    expect(watch.view()).toMatchObject({ phase: 'config', percent: 0 });
    watch.end();
    expect(watch.view()).toBeNull();
    await start(COLD);
    expect(watch.view()).toBeNull();
  });

  test('shows a bar that only rises, second by second', async () => {
    const { start } = stage();
    for (const steps of [COLD, WARM, COLD]) {
      const { shown } = await start(steps);
      expect(shown).toEqual(shown.toSorted((a, b) => a - b));
      expect(shown.at(-1)).toBeGreaterThan(50);
    }
  });

  test('knows from the third like start on how long it takes, within a few per cent', async () => {
    const { start } = stage();
    await start(COLD);
    await start(WARM);
    const { etas } = await start(WARM);
    const total = WARM.reduce((sum, [seconds]) => sum + seconds, 0) + 2;
    for (const [second, eta] of etas.entries()) {
      expect(Math.abs((eta ?? 0) - (total - second - 1))).toBeLessThanOrEqual(total * 0.1);
    }
  });

  test('expects a second start to find what the first one compiled', async () => {
    const { start } = stage();
    expect((await start(COLD)).etas.every((eta) => eta === null)).toBe(true);
    const { etas } = await start(WARM);
    const total = WARM.reduce((sum, [seconds]) => sum + seconds, 0) + 2;
    expect(Math.abs((etas[0] ?? 0) - total)).toBeLessThanOrEqual(total * 0.25);
  });

  test('brings the whole compilation back when the log says that nothing was cached', async () => {
    const { clock, watch, start } = stage();
    await start(COLD);
    watch.begin({ startedAt: null, firstRun: false, of: () => CASE });
    watch.line(LINES.loaded, '');
    const before = watch.view()?.etaSeconds ?? 0;
    await clock.advance(1_000);
    watch.line(LINES.compiling, '');
    expect(watch.view()?.etaSeconds).toBeGreaterThan(before + 30);
  });

  test('expects of a new container what the last run found in memory, not what the first of all read and compiled', async () => {
    const { start } = stage();
    const slow: typeof COLD = [[200, LINES.weights], [100, LINES.loaded], ...COLD.slice(2)];
    await start(slow, { firstRun: true });
    await start(WARM);
    const { etas } = await start(WARM, { firstRun: true });
    // Twice as long at most as the last run, apart from its 13 s behind the weights.
    expect(etas[0]).toBeCloseTo(2 * (10 + 20) + 13 - 1, 6);
  });

  describe('on a CPU, where the log says of every start that nothing was cached', () => {
    const onCpu = (config: number, compile: number): [number, string][] => [
      [config, LINES.weights],
      [2, LINES.loaded],
      [compile, LINES.compiling],
      [2, LINES.up],
    ];
    const CPU = { of: { ...CASE, gpu: null } };
    // Taken from three starts of the real vLLM 0.32 in a row.
    const [cold, same, anew] = [onCpu(61, 38), onCpu(33, 15), onCpu(53, 24)];
    const total = (steps: typeof COLD) => steps.reduce((sum, [seconds]) => sum + seconds, 0) + 2;

    test('a second start, in the same container or a new one, is expected within 15 %', async () => {
      const { start } = stage();
      await start(cold, { ...CPU, firstRun: true });
      const second = await start(same, CPU);
      expect(Math.abs((second.etas[0] ?? 0) - total(same))).toBeLessThanOrEqual(total(same) * 0.15);
      const third = await start(anew, { ...CPU, firstRun: true });
      expect(Math.abs((third.etas[0] ?? 0) - total(anew))).toBeLessThanOrEqual(total(anew) * 0.15);
    });

    test('a new container right after the first of all is expected within 20 %', async () => {
      const { start } = stage();
      await start(cold, { ...CPU, firstRun: true });
      const { etas } = await start(anew, { ...CPU, firstRun: true });
      expect(Math.abs((etas[0] ?? 0) - total(anew))).toBeLessThanOrEqual(total(anew) * 0.2);
    });
  });

  test('a cache that was lost once is not expected to be lost the next time the log says otherwise', async () => {
    const { watch, start } = stage();
    await start(COLD, { firstRun: true });
    await start(COLD);
    watch.begin({ startedAt: null, firstRun: false, of: () => CASE });
    watch.line(LINES.loaded, '');
    const before = watch.view()?.etaSeconds ?? 0;
    watch.line(LINES.cached, '');
    expect(watch.view()?.etaSeconds).toBeLessThan(before - 30);
  });

  test('knows nothing of another model, image or GPU', async () => {
    const { watch, start } = stage();
    await start(COLD);
    for (const other of [{ model: 'org/other' }, { image: 'vllm:2' }, { gpu: null }]) {
      watch.begin({ startedAt: null, firstRun: false, of: () => ({ ...CASE, ...other }) });
      expect(watch.view()?.etaSeconds).toBeNull();
    }
  });

  test('takes the times of the lines, not those at which they were read', async () => {
    const { clock, watch } = stage();
    await clock.advance(100_000);
    const at = (seconds: number) => new Date(VIRTUAL_START + seconds * 1_000).toISOString();
    watch.begin({ startedAt: at(40), firstRun: true, of: () => CASE });
    watch.line(LINES.weights, at(50));
    watch.line(LINES.loaded, at(70));
    watch.line(LINES.up, at(100));
    watch.ready();
    watch.begin({ startedAt: at(100), firstRun: true, of: () => CASE });
    expect(watch.view()?.etaSeconds).toBeCloseTo(60, 3);
  });

  test('learns nothing from a start whose log could not be read', async () => {
    const { clock, watch, stored } = stage();
    watch.begin({ startedAt: null, firstRun: true, of: () => CASE });
    await clock.advance(30_000);
    watch.ready();
    expect(stored.text).toBe('{}');
  });

  test('vouches for a silent phase while it is within its known length, and not after that', async () => {
    const { clock, watch, told, start } = stage();
    await start(COLD);
    watch.begin({ startedAt: null, firstRun: false, of: () => CASE });
    watch.line(LINES.loaded, '');
    watch.line(LINES.compiling, '');
    told.moves = 0;
    await clock.advance(60_000);
    expect(told.moves).toBeGreaterThanOrEqual(59);
    await clock.advance(600_000);
    const { moves } = told;
    await clock.advance(600_000);
    expect(told.moves).toBe(moves);
  });

  test('remembers a bounded number of cases', async () => {
    const { watch, stored } = stage();
    for (let model = 0; model < 50; model += 1) {
      watch.begin({ startedAt: null, firstRun: true, of: () => ({ ...CASE, model: `org/${model}` }) });
      watch.line(LINES.loaded, '');
      watch.ready();
    }
    expect(Object.keys(JSON.parse(stored.text))).toHaveLength(20);
  });
});
