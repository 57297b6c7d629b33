import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overallProgress } from '../../../src/status/progress.ts';
import { type BarMemory, EMPTY_BAR, stepBar } from '../../../src/status/progress-bar.ts';
import type { ServiceView } from '../../../src/status/schema.ts';
import { pullView, readyFacts, readyService, stoppedService } from '../../support/status-facts.ts';

const { download: noDownload } = readyFacts().model;

/** A moment of a deployment: what is fetched, and how far the load is. */
interface Moment {
  api?: Partial<ServiceView>;
  ui?: Partial<ServiceView>;
  download?: { done: number; total: number | null; eta?: number } | 'completed' | 'pending';
  load?: number | null;
  loadSeconds?: number | null;
}

/** Takes the bar through several moments; what it showed at each. */
function show(moments: Moment[], memory: BarMemory = EMPTY_BAR) {
  return moments.map((moment) => {
    const download = moment.download ?? 'completed';
    const services = {
      api: stoppedService({ waiting_for: 'model', ...moment.api }),
      ui: readyService(moment.ui),
    };
    const model = {
      download_status: typeof download === 'string' ? download : ('downloading' as const),
      download:
        typeof download === 'string'
          ? noDownload
          : {
              ...noDownload,
              bytes_done: download.done,
              bytes_total: download.total,
              eta_seconds: download.eta ?? null,
            },
      load: { phase: moment.load == null ? null : 'compile', percent: moment.load ?? null },
    };
    const progress = overallProgress({ services, model, dockerReachable: true, composeKnown: true });
    const stepped = stepBar(memory, {
      status: { progress, services, model },
      loadSeconds: moment.loadSeconds ?? null,
    });
    memory = stepped.memory;
    return stepped.progress;
  });
}
const percents = (moments: Moment[]) => show(moments).map(({ percent }) => percent);
const pull = (done: number, total: number | null): Partial<ServiceView> => ({
  pull: pullView(done, total),
  waiting_for: 'image',
});
const starting: Partial<ServiceView> = { service_status: 'starting', waiting_for: null, ready: false };

describe('the bar from the first byte to ready', () => {
  test('is transfers and then the load, and rises all the way', () => {
    expect(
      percents([
        { api: pull(0, 100), download: { done: 0, total: 100 } },
        { api: pull(100, 100), download: { done: 20, total: 100 } },
        { download: { done: 60, total: 100 } },
        { download: 'completed' },
        { api: starting, load: 0 },
        { api: starting, load: 50 },
        { api: starting, load: 99 },
        { api: readyService() },
      ]),
    ).toEqual([0, 44, 52, 60, 60, 80, 99, 100]);
  });

  test('goes on while images are unpacked, which takes as long as fetching them', () => {
    const at = (unpacked: number): Moment => ({
      api: { ...pull(0, 100), pull: pullView(100, 100, unpacked) },
    });
    expect(percents([at(0), at(50), at(100)])).toEqual([30, 45, 60]);
    expect(show([at(50)])[0]?.phase).toBe('unpacking images');
  });

  test('is the load alone where nothing has to be fetched', () => {
    expect(percents([{}, { api: starting, load: 0 }, { api: starting, load: 42 }])).toEqual([null, 0, 42]);
  });

  test('takes nothing back when the size of something becomes known late', () => {
    const shown = percents([
      { api: pull(50, 100), download: 'pending' },
      { api: pull(60, 100), download: { done: 0, total: 900 } },
      { api: pull(60, 100), download: { done: 700, total: 900 } },
    ]);
    expect(shown).toEqual([30, 30, 44.7]);
  });

  test('knows no percent before any size is known', () => {
    expect(percents([{ api: pull(5, null) }])).toEqual([null]);
  });

  test('falls to the beginning of the load when the engine has to begin again', () => {
    expect(percents([{ api: pull(1, 2) }, { api: starting, load: 80 }, { api: starting, load: 1 }])).toEqual([
      30, 92, 60.4,
    ]);
  });

  test('begins anew after ready: a crash shows its own way back', () => {
    expect(percents([{ api: pull(1, 2) }, { api: readyService() }, { api: starting, load: 10 }])).toEqual([
      30, 100, 10,
    ]);
  });

  test('shows none while nothing goes on, and goes on where it was', () => {
    const [, failed, again] = show([
      { download: { done: 50, total: 100 } },
      { api: { service_status: 'failed', waiting_for: null }, download: { done: 50, total: 100 } },
      { download: { done: 60, total: 100 } },
    ]);
    expect(failed).toMatchObject({ phase: 'failed', percent: null });
    expect(again?.percent).toBe(36);
  });

  test('gives the same bar for the same moment twice', () => {
    const moment: Moment = { download: { done: 50, total: 100 } };
    expect(percents([moment, moment])).toEqual([30, 30]);
  });

  test('never falls on a way to ready without a failure', () => {
    const rising = fc
      .array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 10 })
      .map((all) => all.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(rising, rising, rising, (pulls, downloads, loads) => {
        const shown = percents([
          ...pulls.map((done) => ({ api: pull(done, 100), download: { done: 0, total: 300 } })),
          ...downloads.map((done) => ({ download: { done: done * 3, total: 300 } })),
          ...loads.map((load) => ({ api: starting, load: Math.min(load, 99) })),
        ]).map((percent) => percent ?? 0);
        expect(shown).toEqual(shown.toSorted((a, b) => a - b));
        expect(Math.max(...shown)).toBeLessThan(100);
      }),
    );
  });
});

describe('the estimate', () => {
  test('of a download has the load behind it, where earlier starts tell its length', () => {
    const download = { done: 1, total: 2, eta: 100 };
    expect(show([{ download, loadSeconds: 60 }])[0]?.eta_seconds).toBe(160);
    expect(show([{ download }])[0]?.eta_seconds).toBe(100);
  });

  test('of a load is that of the load', () => {
    expect(show([{ api: starting, load: 5, loadSeconds: 41.2 }])[0]?.eta_seconds).toBe(42);
    expect(show([{ api: starting, load: 5 }])[0]?.eta_seconds).toBeNull();
  });

  test('is unknown while images are pulled', () => {
    expect(
      show([{ api: pull(1, 2), download: { done: 1, total: 2, eta: 9 }, loadSeconds: 5 }])[0]?.eta_seconds,
    ).toBeNull();
  });
});
