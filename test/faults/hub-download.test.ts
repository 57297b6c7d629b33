import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cacheLayout } from '../../src/model/cache-layout.ts';
import { type FixtureOptions, type HubFixture, hubFixture, MODEL_ID } from '../support/hub-fixture.ts';

const SHARD = 'model-00001-of-00002.safetensors';
const LAYOUT_ID = { id: MODEL_ID, organisation: 'acme', name: 'tiny' };

let fixture: HubFixture | null = null;
afterEach(async () => {
  await fixture?.close();
  fixture = null;
});

async function start(options: FixtureOptions = {}): Promise<HubFixture> {
  fixture = await hubFixture({ shardBytes: 3_000_000, ...options });
  return fixture;
}

async function fetchModel(one: HubFixture) {
  one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
  return one.until((snapshot) => snapshot.complete || snapshot.downloadStatus === 'failed');
}

/** Every file of the snapshot is what the hub has, and nothing of ours is left over. */
async function expectVerified(one: HubFixture) {
  const layout = cacheLayout(one.directory, LAYOUT_ID);
  expect(await readFile(join(layout.refs, 'main'), 'utf8')).toBe(one.model.commit);
  const snapshot = join(layout.snapshots, one.model.commit);
  const paths = (await readdir(snapshot, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(snapshot.length + 1));
  expect(paths).toHaveLength(8);
  for (const path of paths) {
    const bytes = await readFile(join(snapshot, path));
    const stored = one.model.files.find((file) => file.path === path);
    const hex = createHash('sha256').update(bytes).digest('hex');
    if (stored?.sha256 !== null) expect(hex, path).toBe(stored?.sha256);
    expect(bytes.length).toBe(stored?.size);
  }
  expect((await readdir(layout.blobs)).filter((name) => name.includes('.'))).toEqual([]);
}

const contentRequests = (one: HubFixture) =>
  one.server.requests.filter((request) => request.kind === 'content' && request.host === 'localhost');

/** Requests for the first bytes of the shard. */
function shardStarts(one: HubFixture) {
  const sha256 = one.model.files.find((file) => file.path === SHARD)?.sha256;
  return contentRequests(one).filter(
    ({ url, range }) =>
      url.startsWith(`/repos/${sha256}`) && (range === null || range.startsWith('bytes=0-')),
  );
}

describe('a download from a hub', () => {
  it('brings exactly one weight set into the cache, with every byte counted', async () => {
    const one = await start();
    const snapshot = await fetchModel(one);
    expect(snapshot).toMatchObject({
      downloadStatus: 'completed',
      revision: one.model.commit,
      problem: null,
    });
    expect(snapshot.download.bytes_done).toBe(snapshot.download.bytes_total);
    expect(snapshot.download.files_done).toBe(8);
    await expectVerified(one);
    const asked = new Set(contentRequests(one).map(({ url }) => url.replace(/\?.*/, '')));
    expect(asked.size).toBe(2);
  });

  it('shows 100 % only when it is completed', async () => {
    const one = await start({ hub: { throttle: 6_000_000 } });
    await fetchModel(one);
    for (const { download, complete } of one.told) {
      if (!complete && download.bytes_total !== null)
        expect(download.bytes_done).toBeLessThan(download.bytes_total);
    }
    const shown = one.told.map((snapshot) => snapshot.download.bytes_done ?? 0);
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  });

  it('resumes after a reset in the middle of a file, without fetching it from the start', async () => {
    const one = await start();
    one.server.faults.add({ on: 'content', path: SHARD, action: { kind: 'reset', afterBytes: 1_500_000 } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    expect(shardStarts(one)).toHaveLength(1);
  });

  it('resumes after a body that ends early and looks finished', async () => {
    const one = await start();
    one.server.faults.add({
      on: 'content',
      path: SHARD,
      action: { kind: 'truncate', afterBytes: 2_000_000 },
    });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    expect(shardStarts(one)).toHaveLength(1);
  });

  it('replaces a connection on which nothing comes any more, and calls it no failure', async () => {
    const one = await start({ keeper: { silenceLimitMs: 30_000 } });
    one.server.faults.add({ on: 'content', path: SHARD, action: { kind: 'silence', afterBytes: 1_000_000 } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    expect(one.told.every((snapshot) => snapshot.problem === null)).toBe(true);
  });

  it('says that the hub is unreachable when connection after connection stays silent, and goes on later', async () => {
    const one = await start({ keeper: { silenceLimitMs: 30_000 } });
    one.server.faults.add({
      on: 'content',
      path: SHARD,
      times: 3,
      action: { kind: 'silence', afterBytes: 0 },
    });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    expect(one.told.find((snapshot) => snapshot.problem !== null)).toMatchObject({
      problem: { code: 'hub_unreachable' },
      downloadStatus: 'downloading',
      nextRetryAt: expect.stringMatching(/Z$/),
    });
    await expectVerified(one);
  });

  it('fetches a file with wrong bytes once more', async () => {
    const one = await start();
    one.server.faults.add({ on: 'content', path: SHARD, action: { kind: 'corrupt' } });
    one.server.faults.add({ on: 'content', path: 'tokenizer.json', action: { kind: 'corrupt' } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
  });

  it('names both hashes when the bytes are wrong twice, and makes no loop of it', async () => {
    const one = await start();
    one.server.faults.add({ on: 'content', path: SHARD, times: 99, action: { kind: 'corrupt' } });
    const snapshot = await fetchModel(one);
    expect(snapshot.problem?.code).toBe('model_checksum_mismatch');
    const hashes = snapshot.problem?.detail.match(/[0-9a-f]{64}/g);
    expect(new Set(hashes).size).toBe(2);
    expect(hashes).toContain(one.model.files.find((file) => file.path === SHARD)?.sha256);
    const asked = shardStarts(one).length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(shardStarts(one)).toHaveLength(asked);
    one.server.faults.clear();
    one.keeper.retry();
    await one.until((later) => later.complete);
    await expectVerified(one);
  });

  it('refuses a file that is longer than announced', async () => {
    const one = await start();
    one.server.faults.add({
      on: 'content',
      path: SHARD,
      times: 99,
      action: { kind: 'longer', extraBytes: 10 },
    });
    expect((await fetchModel(one)).problem?.code).toBe('hub_answer_invalid');
  });

  it('comes to its end with a hub that ignores ranges from some moment on', async () => {
    const one = await start();
    one.server.faults.add({ on: 'content', path: SHARD, action: { kind: 'reset', afterBytes: 1_500_000 } });
    one.server.faults.add({ on: 'content', path: SHARD, times: 99, action: { kind: 'ignore-range' } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
  });

  it('fetches large files over one connection each from a hub that ignores ranges', async () => {
    const one = await start({ shardBytes: 20_000_000 });
    one.server.faults.add({ on: 'content', times: 999, action: { kind: 'ignore-range' } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
  });

  it('says so when a hub that ignores ranges never gets further, and makes no loop of it', async () => {
    const one = await start();
    const action = { kind: 'reset', afterBytes: 1_500_000, ignoringRange: true } as const;
    one.server.faults.add({ on: 'content', path: SHARD, times: 999, action });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    const paused = await one.until(({ problem }) => problem !== null);
    expect(paused).toMatchObject({ problem: { code: 'hub_unreachable' }, downloadStatus: 'downloading' });
    one.server.faults.clear();
    await one.until(({ complete }) => complete);
    await expectVerified(one);
  });

  it('begins a file again that changes between its parts', async () => {
    const one = await start({ shardBytes: 40_000_000, hub: { throttle: 40_000_000 } });
    one.server.faults.add({ on: 'content', path: SHARD, times: 3, action: { kind: 'old-version' } });
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

  it('goes on with fewer connections when the host of the files refuses some', async () => {
    const one = await start({ shardBytes: 30_000_000, hub: { throttle: 30_000_000 } });
    one.server.faults.add({ on: 'content', path: SHARD, times: 3, action: { kind: 'answer', status: 503 } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    expect(one.told.every(({ problem }) => problem === null)).toBe(true);
  });

  it('asks for a new address when a signed one has expired', async () => {
    const one = await start({ hub: { signedUrlSeconds: 1 } });
    one.server.faults.add({ on: 'content', path: SHARD, action: { kind: 'answer', status: 403 } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    const resolved = one.server.requests.filter(
      ({ kind, method, url }) => kind === 'resolve' && method === 'GET' && url.endsWith(SHARD),
    );
    expect(resolved.length).toBeGreaterThan(1);
  });

  it.each([500, 503])('tries again after a %i, with its pause shown', async (status) => {
    const one = await start();
    one.server.faults.add({ on: 'info', action: { kind: 'answer', status } });
    one.server.faults.add({ on: 'resolve', path: SHARD, action: { kind: 'answer', status } });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    const paused = one.told.filter((snapshot) => snapshot.problem?.code === 'hub_unreachable');
    expect(paused.length).toBeGreaterThan(0);
    expect(paused[0]?.nextRetryAt).not.toBeNull();
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

  it('asks nothing of the hub when the model is complete in the cache, and needs no hub then', async () => {
    const one = await start();
    await fetchModel(one);
    const asked = one.server.requests.length;
    await one.server.close();
    one.keeper.setWanted({ text: null, directory: null });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    const snapshot = await one.until(({ complete }) => complete);
    expect(snapshot).toMatchObject({ revision: one.model.commit, problem: null });
    expect(snapshot.download.files_done).toBe(8);
    expect(one.server.requests).toHaveLength(asked);
  });

  it('leaves a model behind at once when another one is wanted', async () => {
    const one = await start({ hub: { throttle: 500_000 } });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    await one.until(({ download }) => (download.bytes_done ?? 0) > 200_000);
    one.keeper.setWanted({ text: 'acme/other', directory: one.directory });
    const snapshot = await one.until(({ downloadStatus }) => downloadStatus === 'failed');
    expect(snapshot).toMatchObject({ modelIdentifier: 'acme/other', problem: { code: 'model_not_found' } });
  });
});
