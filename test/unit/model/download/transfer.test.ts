import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../../src/lib/log.ts';
import { createLimiter } from '../../../../src/model/download/limiter.ts';
import { transferFiles } from '../../../../src/model/download/transfer.ts';
import { MOST_CONNECTIONS } from '../../../../src/model/download/width.ts';
import type { HubFile } from '../../../../src/model/types.ts';
import { countingStore, type LineOptions, simulatedLine } from '../../../support/simulated-line.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const MB = 1_000_000;
const hashOf = (at: number) => at.toString(16).padStart(64, '0');
const fileOf = (sizeBytes: number, at: number): HubFile => ({
  path: `weights-${at}.bin`,
  sizeBytes,
  etag: hashOf(at),
  hash: { algorithm: 'sha256', hex: hashOf(at) },
});

/** Transfers files of these sizes over a line; the time it took, and what the line saw. */
async function transfer(
  sizes: readonly number[],
  options: LineOptions,
  bytesPerSecond: number | null = null,
) {
  const clock = createVirtualClock();
  const line = simulatedLine(clock, options);
  const files = sizes.map(fileOf);
  const verified: string[] = [];
  let received = 0;
  let over = false;
  const work = transferFiles(
    {
      hub: line,
      store: countingStore(),
      clock,
      log: silentLog,
      limiter: createLimiter(clock, bytesPerSecond),
      silenceLimitMs: 30_000,
      model: {
        identifier: { id: 'a/b', organisation: 'a', name: 'b' },
        commit: 'c'.repeat(40),
        files,
      },
      onBytes: (_file, _present, more) => {
        received += more;
      },
      onVerified: (file) => verified.push(file.path),
    },
    files,
    new AbortController().signal,
  ).finally(() => {
    over = true;
  });
  work.catch(() => undefined);
  let endedMs = 0;
  while (!over && endedMs < 3_600_000) {
    await clock.advance(100);
    endedMs = clock.monotonicMs();
  }
  await work;
  return { seconds: endedMs / 1000, line, verified, received };
}

const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);

describe('a transfer in virtual time', () => {
  const sizes = [600 * MB, 600 * MB, 300 * MB, 1000, 0];

  it('fills a line that holds each connection to a rate, with 16 of them', async () => {
    const { seconds, line, verified, received } = await transfer(sizes, {
      total: 10_000 * MB,
      each: () => 10 * MB,
      latencyMs: 40,
    });
    expect(line.mostConnections).toBe(MOST_CONNECTIONS);
    expect(seconds).toBeLessThan(1.3 * (total(sizes) / (MOST_CONNECTIONS * 10 * MB)));
    expect(verified).toHaveLength(sizes.length);
    expect(received).toBe(total(sizes));
    expect(line.sentBytes).toBe(total(sizes));
  });

  it('fills a line that is full with fewer, and asks for no byte twice', async () => {
    const { seconds, line } = await transfer(sizes, { total: 50 * MB, each: () => 50 * MB, latencyMs: 40 });
    expect(seconds).toBeLessThan(1.05 * (total(sizes) / (50 * MB)));
    expect(line.sentBytes).toBe(total(sizes));
  });

  it('does not wait for one connection that is slow', async () => {
    const slowOnce = (at: number) => (at === 3 ? 0.05 * MB : 20 * MB);
    const { seconds, received } = await transfer([400 * MB], {
      total: 1000 * MB,
      each: slowOnce,
      latencyMs: 40,
    });
    expect(seconds).toBeLessThan(20);
    expect(received).toBe(400 * MB);
  });

  it('comes to its end at nearly full speed where only four connections are allowed', async () => {
    const allowed = { total: 1000 * MB, each: () => 20 * MB, latencyMs: 40, mostAllowed: 4 };
    const { seconds } = await transfer(sizes, allowed);
    expect(seconds).toBeLessThan(1.3 * (total(sizes) / (4 * 20 * MB)));
  });

  it('is held to the rate that is set', async () => {
    const { seconds } = await transfer(
      [300 * MB],
      { total: 1000 * MB, each: () => 100 * MB, latencyMs: 40 },
      10 * MB,
    );
    expect(seconds).toBeGreaterThan(28);
    expect(seconds).toBeLessThan(33);
  });
});
