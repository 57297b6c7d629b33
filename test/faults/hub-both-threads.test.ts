import { execFile } from 'node:child_process';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeBytesOf } from '../../src/model/wish.ts';
import { contentRequests, expectVerified, fetchModel } from '../support/hub-fetch.ts';
import { type FixtureOptions, type HubFixture, hubFixture, MODEL_ID } from '../support/hub-fixture.ts';

const run = promisify(execFile);
/** Each attempt starts a thread of the sources; on a busy machine that takes seconds. */
const LIMIT_MS = 40_000;
const SHARD = 'model-00001-of-00002.safetensors';

let fixture: HubFixture | null = null;
afterEach(async () => {
  await fixture?.close();
  fixture = null;
});

// What a thread cannot hand over as it is (errors with a name, clocks, what a file system says) has to be the same in both.
describe.each([
  ['in the thread that calls', false],
  ['in a thread of its own, as in the daemon', true],
])('a download %s', { timeout: LIMIT_MS }, (_, threaded) => {
  const start = async (options: FixtureOptions = {}): Promise<HubFixture> => {
    fixture = await hubFixture({ shardBytes: 3_000_000, threaded, ...options });
    return fixture;
  };

  it('names both hashes when the bytes are wrong twice, and makes no loop of it', async () => {
    const one = await start();
    one.server.faults.add({ on: 'content', path: SHARD, times: 99, action: { kind: 'corrupt' } });
    const snapshot = await fetchModel(one);
    expect(snapshot.problem?.code).toBe('model_checksum_mismatch');
    const hashes = snapshot.problem?.detail.match(/[0-9a-f]{64}/g);
    expect(new Set(hashes).size).toBe(2);
    expect(hashes).toContain(one.model.files.find((file) => file.path === SHARD)?.sha256);
    const asked = contentRequests(one).length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(contentRequests(one)).toHaveLength(asked);
    one.server.faults.clear();
    one.keeper.retry();
    await one.until((later) => later.complete);
    await expectVerified(one);
  });

  it('comes to its end with a hub that ignores ranges from some moment on', async () => {
    const one = await start();
    one.server.faults.add({ on: 'content', path: SHARD, action: { kind: 'reset', afterBytes: 1_500_000 } });
    one.server.faults.add({ on: 'content', path: SHARD, times: 99, action: { kind: 'ignore-range' } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
  });

  it('waits as long as the host of the files asks, and shows it when nothing else moves', async () => {
    const one = await start();
    const headers = { 'retry-after': '30' };
    one.server.faults.add({ on: 'content', times: 2, action: { kind: 'answer', status: 429, headers } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    const paused = one.told.find(({ problem }) => problem?.code === 'hub_rate_limited');
    expect(paused?.nextRetryAt ?? '').toMatch(/Z$/);
  });

  it('sends the token to the hub and never to the host of the files', async () => {
    const tokens = { hf_secretsecret: [MODEL_ID] };
    const one = await start({ token: 'hf_secretsecret', hub: { tokens }, model: { gated: 'auto' } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    const cdn = one.server.requests.filter(({ host }) => host === 'localhost');
    expect(cdn.length).toBeGreaterThan(0);
    expect(cdn.every(({ authorization }) => authorization === null)).toBe(true);
    const own = one.server.requests.filter(({ host }) => host === '127.0.0.1');
    expect(own.every(({ authorization }) => authorization === 'Bearer hf_secretsecret')).toBe(true);
  });

  describe('onto a small disk', () => {
    const DISK_BYTES = 8 * 1024 * 1024;
    let disk = '';
    beforeEach(async () => {
      disk = await mkdtemp(join(tmpdir(), 'small-disk-'));
      await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk]);
    });
    afterEach(async () => {
      await run('umount', ['--lazy', disk]);
      await rm(disk, { recursive: true });
    });

    it('that somebody else fills meanwhile, fails at once and goes on by itself when there is space again', async () => {
      const one = await start({
        shardBytes: 1_500_000,
        hub: { throttle: 300_000 },
        keeper: { freeBytes: freeBytesOf },
      });
      one.keeper.setWanted({ text: MODEL_ID, directory: disk });
      await one.until(({ download }) => (download.bytes_done ?? 0) > 200_000);
      const filler = join(disk, 'filler');
      // The download takes some of it meanwhile; then this write ends where the disk does.
      await writeFile(filler, Buffer.alloc((await freeBytesOf(disk)) - 64 * 1024)).catch(() => undefined);
      const full = await one.until(({ problem, complete }) => problem !== null || complete);
      expect(full).toMatchObject({ downloadStatus: 'failed', problem: { code: 'disk_full', class: 'host' } });
      await unlink(filler);
      expect(await one.until(({ complete }) => complete)).toMatchObject({ problem: null });
    });
  });
});
