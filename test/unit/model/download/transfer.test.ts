import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../../src/lib/clock.ts';
import { silentLog } from '../../../../src/lib/log.ts';
import type { FileStore } from '../../../../src/model/download/file-store.ts';
import { createLimiter } from '../../../../src/model/download/limiter.ts';
import { SMALLEST_PART_BYTES } from '../../../../src/model/download/plan.ts';
import { transferFiles } from '../../../../src/model/download/transfer.ts';
import { MOST_CONNECTIONS } from '../../../../src/model/download/width.ts';
import { type HubFile, ModelError } from '../../../../src/model/types.ts';
import { countingStore, type LineOptions, simulatedLine } from '../../../support/simulated-line.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const MB = 1_000_000;
const STOPPED = new Error('another model is wanted');
const hashOf = (at: number) => at.toString(16).padStart(64, '0');
const fileOf = (sizeBytes: number, at: number): HubFile => ({
  path: `weights-${at}.bin`,
  sizeBytes,
  etag: hashOf(at),
  hash: { algorithm: 'sha256', hex: hashOf(at) },
});

/** How a transfer is carried out. */
interface How {
  bytesPerSecond?: number;
  store?: FileStore;
  /** It is ended after so many seconds. */
  stopAfterSeconds?: number;
  /** Told of the clock, before it begins. */
  onClock?(clock: Clock): void;
  /** Told of all bytes that have come. */
  onBytes?(received: number): void;
}

/** Transfers files of these sizes over a line; the time it took, how it failed, and what the line saw. */
async function transfer(sizes: readonly number[], options: LineOptions, how: How = {}) {
  const clock = createVirtualClock();
  how.onClock?.(clock);
  const line = simulatedLine(clock, options);
  const files = sizes.map(fileOf);
  const verified: string[] = [];
  const stop = new AbortController();
  let received = 0;
  let over = false;
  let failure: unknown = null;
  const work = transferFiles(
    {
      hub: line,
      store: how.store ?? countingStore(),
      clock,
      log: silentLog,
      limiter: createLimiter(clock, how.bytesPerSecond ?? null),
      silenceLimitMs: 30_000,
      model: {
        identifier: { id: 'a/b', organisation: 'a', name: 'b' },
        commit: 'c'.repeat(40),
        files,
      },
      onBytes: (_file, _present, more) => {
        received += more;
        how.onBytes?.(received);
      },
      onVerified: (file) => verified.push(file.path),
    },
    files,
    stop.signal,
  )
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => {
      over = true;
    });
  let endedMs = 0;
  while (!over && endedMs < 3_600_000) {
    await clock.advance(100);
    endedMs = clock.monotonicMs();
    if (endedMs >= (how.stopAfterSeconds ?? Number.POSITIVE_INFINITY) * 1000) stop.abort(STOPPED);
  }
  if (over) await work;
  return { seconds: endedMs / 1000, line, verified, received, failure };
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
      { bytesPerSecond: 10 * MB },
    );
    expect(seconds).toBeGreaterThan(28);
    expect(seconds).toBeLessThan(33);
  });

  describe('that is asked to wait', () => {
    const HOUR_SECONDS = 3600;
    const limited = (by: ModelError['waitFor']) =>
      new ModelError({ code: 'hub_rate_limited', detail: '429' }, HOUR_SECONDS, by);
    const fast = { total: 100 * MB, each: () => 20 * MB, latencyMs: 40 };

    it('by the hub goes on with the files whose address is known, and then says so instead of standing still', async () => {
      const unknown = fileOf(0, 2).path;
      let asked = 0;
      const { seconds, verified, failure } = await transfer([300 * MB, 300 * MB, 300 * MB], {
        ...fast,
        hasAddress: ({ path }) => path !== unknown,
        refusal: ({ file }) => {
          if (file.path !== unknown) return null;
          asked += 1;
          return limited('hub');
        },
      });
      expect(verified).toEqual([fileOf(0, 0).path, fileOf(0, 1).path]);
      expect(seconds).toBeLessThan(15);
      expect(failure).toMatchObject({ finding: { code: 'hub_rate_limited' } });
      expect((failure as ModelError).retryAfterSeconds).toBeGreaterThan(HOUR_SECONDS - 15);
      // Those that were opened together, and none after them.
      expect(asked).toBeLessThanOrEqual(MOST_CONNECTIONS);
    });

    it('by the host of the files ends what is under way, and then says so instead of standing still', async () => {
      let questions = 0;
      const { seconds, line, failure } = await transfer([300 * MB, 300 * MB], {
        ...fast,
        refusal: () => (questions++ === 3 ? limited('file-host') : null),
      });
      expect(line.sentBytes).toBeGreaterThan(50 * MB);
      expect(line.sentBytes).toBeLessThan(300 * MB);
      expect(seconds).toBeLessThan(15);
      expect(failure).toMatchObject({ finding: { code: 'hub_rate_limited' } });
    });

    it('for a moment only goes on by itself', async () => {
      let questions = 0;
      const short = new ModelError({ code: 'hub_unreachable', detail: '503' }, 2, 'file-host');
      const { verified, failure } = await transfer([300 * MB, 300 * MB], {
        ...fast,
        refusal: () => (questions++ === 3 ? short : null),
      });
      expect(failure).toBeNull();
      expect(verified).toHaveLength(2);
    });
  });

  it('ends at once also while it reads again what is there', async () => {
    const { seconds, received, failure } = await transfer(
      [1 * MB],
      { total: 100 * MB, each: () => 100 * MB, latencyMs: 40 },
      { store: countingStore({ endlessHash: true }), stopAfterSeconds: 5 },
    );
    expect(received).toBe(1 * MB);
    expect(failure).toBe(STOPPED);
    expect(seconds).toBeLessThan(6);
  });

  it.each([0.2, 3, 20])(
    'has never more than a part of each connection unclaimed on a disk that takes %s s for a sync',
    async (syncSeconds) => {
      const clock: { now: Clock | null } = { now: null };
      let claimed = 0;
      let most = 0;
      const store = countingStore({
        sync: () => clock.now?.sleep(syncSeconds * 1000) ?? Promise.resolve(),
        onClaim: (lines) => {
          for (const line of lines.trim().split('\n')) {
            const [from = 0, to = 0] = line.split(' ').map(Number);
            claimed += to - from;
          }
        },
      });
      const { line, failure } = await transfer(
        [600 * MB, 600 * MB],
        { total: 400 * MB, each: () => 50 * MB, latencyMs: 40 },
        {
          store,
          onClock: (made) => {
            clock.now = made;
          },
          onBytes: (received) => {
            most = Math.max(most, received - claimed);
          },
        },
      );
      expect(failure).toBeNull();
      expect(claimed).toBe(1200 * MB);
      expect(most).toBeLessThanOrEqual(line.mostConnections * SMALLEST_PART_BYTES);
    },
  );
});
