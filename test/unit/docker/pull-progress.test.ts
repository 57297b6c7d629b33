import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_PULL, foldPullLine, inBandError } from '../../../src/docker/pull-progress.ts';

const layer = (id: string, status: string, current?: number, total?: number) => ({
  status,
  id,
  progressDetail: current === undefined ? {} : { current, ...(total === undefined ? {} : { total }) },
});
const fold = (...lines: unknown[]) => lines.reduce(foldPullLine, EMPTY_PULL);

describe('progress of a pull', () => {
  it('is the sum over the layers', () => {
    const state = fold(
      { status: 'Pulling from library/busybox', id: 'latest' },
      layer('a', 'Pulling fs layer'),
      layer('b', 'Pulling fs layer'),
      layer('a', 'Downloading', 10, 100),
      layer('b', 'Downloading', 5, 50),
    );
    expect(state.shown).toEqual({
      ...{ bytesDone: 15, bytesTotal: 150, bytesUnpacked: 0 },
      ...{ share: 0.05, phase: 'downloading' },
    });
  });

  it('has no total until a layer has named its size', () => {
    expect(fold(layer('a', 'Pulling fs layer')).shown.bytesTotal).toBeNull();
  });

  it('is extracting when nothing is left to download', () => {
    const lines = [layer('a', 'Already exists'), layer('b', 'Downloading', 90, 100)];
    expect(fold(...lines, layer('b', 'Download complete')).shown).toEqual({
      bytesDone: 100,
      bytesTotal: 100,
      bytesUnpacked: 0,
      share: 0.5,
      phase: 'unpacking',
    });
  });

  it('is half of the whole when all is fetched, and rises while that is unpacked', () => {
    const fetched = [layer('a', 'Downloading', 100, 100), layer('a', 'Download complete')];
    const unpacking = [...fetched, layer('a', 'Extracting', 40, 100)];
    expect(fold(...unpacking).shown).toMatchObject({ bytesUnpacked: 40, share: 0.7 });
    expect(fold(...unpacking, layer('a', 'Pull complete')).shown).toMatchObject({
      bytesUnpacked: 100,
      share: 1,
    });
  });

  it('takes a layer whose size is not known yet for an average one', () => {
    const waiting = ['b', 'c', 'd'].map((id) => layer(id, 'Waiting'));
    const done = [layer('a', 'Downloading', 100, 100), layer('a', 'Pull complete')];
    expect(fold(...waiting, ...done).shown).toMatchObject({ bytesDone: 100, bytesTotal: 100, share: 0.25 });
    expect(fold(...waiting.map(({ id }) => layer(id, 'Already exists')), ...done).shown.share).toBe(1);
  });

  it('counts no bytes while a layer is extracted, where the engine counts seconds', () => {
    const downloaded = fold(layer('a', 'Downloading', 100, 100), layer('a', 'Download complete'));
    const seconds = { status: 'Extracting', id: 'a', progressDetail: { current: 7, units: 's' } };
    const extracting = foldPullLine(downloaded, seconds);
    expect(extracting.shown).toEqual(downloaded.shown);
    expect(extracting.movements).toBe(downloaded.movements + 1);
  });

  it('does not count a line that only repeats or waits as a movement', () => {
    const state = fold(layer('a', 'Downloading', 10, 100));
    const after = [
      layer('a', 'Downloading', 10, 100),
      layer('a', 'Retrying in 5 seconds'),
      { status: 'anything' },
    ].reduce(foldPullLine, state);
    expect(after.movements).toBe(state.movements);
  });

  it('never decreases, never exceeds its total, whatever the engine says', () => {
    const statuses = [
      'Pulling fs layer',
      'Waiting',
      'Downloading',
      'Verifying Checksum',
      'Download complete',
      'Extracting',
      'Pull complete',
      'Already exists',
      'Retrying in 1 second',
    ];
    const line = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          id: fc.constantFrom('a', 'b', 'c'),
          status: fc.oneof(fc.constant('Downloading'), fc.constantFrom(...statuses)),
          progressDetail: fc.record(
            { current: fc.integer({ min: -5, max: 1000 }), total: fc.integer({ min: -1, max: 1000 }) },
            { requiredKeys: [] },
          ),
        }),
      },
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
        let state = EMPTY_PULL;
        for (const next of lines) {
          const before = state.shown;
          state = foldPullLine(state, next);
          expect(state.shown.bytesDone).toBeGreaterThanOrEqual(before.bytesDone);
          expect(state.shown.bytesTotal ?? 0).toBeGreaterThanOrEqual(before.bytesTotal ?? 0);
          expect(state.shown.bytesUnpacked).toBeGreaterThanOrEqual(before.bytesUnpacked);
          expect(state.shown.share ?? 0).toBeGreaterThanOrEqual(before.share ?? 0);
          expect(state.shown.share ?? 0).toBeLessThanOrEqual(1);
          if (state.shown.bytesTotal !== null) {
            expect(state.shown.bytesDone).toBeLessThanOrEqual(state.shown.bytesTotal);
            expect(state.shown.bytesUnpacked).toBeLessThanOrEqual(state.shown.bytesTotal);
          }
        }
      }),
    );
  });
});

describe('an error inside a pull', () => {
  it.each([
    [{ errorDetail: { message: 'no space left on device' }, error: 'older' }, 'no space left on device'],
    [{ error: 'only the older field' }, 'only the older field'],
    [{ errorDetail: {} }, 'the engine reported an error without a text'],
    [{ status: 'error', id: 'a' }, null],
    ['text', null],
  ])('is read from %j', (line, words) => {
    expect(inBandError(line)).toBe(words);
  });
});
