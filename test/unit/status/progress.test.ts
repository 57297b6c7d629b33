import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overallProgress, type ProgressFacts } from '../../../src/status/progress.ts';
import type { ServiceView } from '../../../src/status/schema.ts';
import { pullView, readyFacts, readyService, stoppedService } from '../../support/status-facts.ts';

const { download } = readyFacts().model;

function facts(services: Record<string, ServiceView>, change: Partial<ProgressFacts> = {}): ProgressFacts {
  return {
    services,
    model: { download_status: 'completed', download, load: { phase: null, percent: null } },
    dockerReachable: true,
    composeKnown: true,
    ...change,
  };
}

function downloading(done: number, total: number | null, eta: number | null = null): ProgressFacts['model'] {
  return {
    download_status: 'downloading',
    download: { ...download, bytes_done: done, bytes_total: total, eta_seconds: eta },
    load: { phase: null, percent: null },
  };
}

const pulling = (done: number, total: number | null) =>
  stoppedService({ waiting_for: 'image', pull: pullView(done, total) });

describe('overallProgress', () => {
  it('is ready at 100 percent when every wanted service is ready', () => {
    expect(overallProgress(facts({ api: readyService(), ui: readyService() }))).toEqual({
      phase: 'ready',
      percent: 100,
      eta_seconds: 0,
    });
  });

  it('names the services that stand still on request instead of calling the whole ready', () => {
    expect(overallProgress(facts({ api: stoppedService({ wanted: false }), ui: readyService() })).phase).toBe(
      'stopped on request: api',
    );
  });

  it('adds pulls and download together while both are under way', () => {
    expect(
      overallProgress(
        facts({ api: pulling(10, 100), ui: pulling(40, 100) }, { model: downloading(150, 200) }),
      ),
    ).toEqual({ phase: 'pulling images and downloading the model', percent: 41.6, eta_seconds: null });
  });

  it('gives the download its own percent and remaining time', () => {
    expect(
      overallProgress(
        facts({ api: stoppedService({ waiting_for: 'model' }) }, { model: downloading(1, 3, 20) }),
      ),
    ).toEqual({ phase: 'downloading the model', percent: 33.3, eta_seconds: 20 });
  });

  it('names the pull when only images are missing', () => {
    expect(overallProgress(facts({ api: pulling(1, 4), ui: readyService() }))).toEqual({
      phase: 'pulling images',
      percent: 25,
      eta_seconds: null,
    });
  });

  it('knows no percent while one total is unknown', () => {
    expect(overallProgress(facts({ api: pulling(1, 4), ui: pulling(5, null) })).percent).toBeNull();
  });

  it('names the loading of the model although the image of ui is still being pulled', () => {
    const api = readyService({ ready: false, service_status: 'starting' });
    const model: ProgressFacts['model'] = {
      download_status: 'completed',
      download,
      load: { phase: 'weights', percent: 40 },
    };
    expect(overallProgress(facts({ api, ui: pulling(1, 4) }, { model }))).toEqual({
      phase: 'loading the model',
      percent: 40,
      eta_seconds: null,
    });
  });

  it.each([
    ['model', 'waiting for the model'],
    ['gpu', 'waiting for the GPU'],
    ['something new', 'waiting for something new'],
  ])('says what is waited for: %s', (word, phase) => {
    expect(overallProgress(facts({ api: stoppedService({ waiting_for: word }) })).phase).toBe(phase);
  });

  it('names a service that starts, and one that waits for its next attempt', () => {
    const starting = readyService({ ready: false, service_status: 'starting' });
    expect(overallProgress(facts({ api: readyService(), ui: starting })).phase).toBe('starting ui');
    const backingOff = stoppedService({ next_restart_at: '2026-03-04T05:07:00Z' });
    expect(overallProgress(facts({ api: backingOff, ui: readyService() })).phase).toBe(
      'waiting to restart api',
    );
  });

  it('is failed when a wanted service or the download has failed', () => {
    const failed = stoppedService({ service_status: 'failed' });
    expect(overallProgress(facts({ api: readyService(), ui: failed })).phase).toBe('failed');
    const model: ProgressFacts['model'] = { ...downloading(1, 2), download_status: 'failed' };
    expect(overallProgress(facts({ api: stoppedService() }, { model })).phase).toBe('failed');
  });

  it('waits for Docker before anything else when the engine does not answer', () => {
    expect(overallProgress(facts({ api: readyService() }, { dockerReachable: false })).phase).toBe(
      'waiting for Docker',
    );
  });

  it('never reaches 100 percent before the last byte, never exceeds it, and never falls while bytes rise', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e12 }),
        fc.integer({ min: 0, max: 1e12 }),
        fc.integer({ min: 0, max: 1e12 }),
        (total, one, other) => {
          const percentAt = (done: number) =>
            overallProgress(facts({ api: stoppedService() }, { model: downloading(done, total) })).percent ??
            -1;
          const [less, more] = one < other ? [one, other] : [other, one];
          expect(percentAt(less)).toBeLessThanOrEqual(percentAt(more));
          expect(percentAt(more)).toBeLessThanOrEqual(100);
          if (more < total) expect(percentAt(more)).toBeLessThan(100);
        },
      ),
    );
  });
});
