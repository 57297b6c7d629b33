import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDownloadMeter } from '../../../src/model/download/meter.ts';
import type { HubFile } from '../../../src/model/types.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const file = (etag: string, sizeBytes: number): HubFile => ({
  path: `${etag}.bin`,
  sizeBytes,
  etag,
  hash: { algorithm: 'sha256', hex: etag },
});

describe('the download meter', () => {
  it('counts exact bytes over all files', () => {
    const meter = createDownloadMeter([file('a', 100), file('b', 50)], createManualClock());
    meter.present('a', 60, 10);
    meter.present('b', 5, 5);
    expect(meter.view()).toMatchObject({ bytes_done: 65, bytes_total: 150, files_done: 0, files_total: 2 });
  });

  it('stays one byte short of the total, for verified files are not yet a model in place', () => {
    const meter = createDownloadMeter([file('a', 100), file('b', 50)], createManualClock());
    meter.present('a', 100, 100);
    meter.verified('b');
    expect(meter.view()).toMatchObject({ bytes_done: 149, files_done: 1 });
    meter.verified('a');
    expect(meter.view()).toMatchObject({ bytes_done: 149, bytes_total: 150, files_done: 2 });
  });

  it('gives the rate of the last 10 s and the time left at it, without what was there before', async () => {
    const clock = createManualClock();
    const meter = createDownloadMeter([file('a', 10_000)], clock);
    meter.present('a', 5_000, 0);
    for (let second = 1; second <= 20; second += 1) {
      await clock.advance(1000);
      meter.present('a', 5_000 + second * 100, second <= 10 ? 200 : 100);
    }
    expect(meter.view()).toMatchObject({ bytes_done: 7_000, bytes_per_second: 100, eta_seconds: 30 });
    await clock.advance(11_000);
    expect(meter.view()).toMatchObject({ bytes_per_second: expect.closeTo(0, 10) });
  });

  it('does not go back when an interrupted attempt had shown more', () => {
    expect(createDownloadMeter([file('a', 100)], createManualClock(), 80).view().bytes_done).toBe(80);
  });

  it('never goes back, whatever files do', () => {
    const step = fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 100 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const meter = createDownloadMeter([file('a', 100), file('b', 100)], createManualClock());
        let last = 0;
        for (const [etag, bytes, whole] of steps) {
          if (whole && bytes === 100) meter.verified(etag);
          else meter.present(etag, bytes, 1);
          const done = meter.view().bytes_done ?? 0;
          expect(done).toBeGreaterThanOrEqual(last);
          last = done;
        }
      }),
    );
  });
});
