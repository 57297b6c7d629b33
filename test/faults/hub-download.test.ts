import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { contentRequests, expectVerified, fetchModel } from '../support/hub-fetch.ts';
import { type FixtureOptions, type HubFixture, hubFixture, MODEL_ID } from '../support/hub-fixture.ts';

const SHARD = 'model-00001-of-00002.safetensors';
const OTHER_SHARD = 'model-00002-of-00002.safetensors';
/** Longer than any of these tests, also on the hasty clock. */
const AN_HOUR = { 'retry-after': '3600' };

let fixture: HubFixture | null = null;
afterEach(async () => {
  await fixture?.close();
  fixture = null;
});

async function start(options: FixtureOptions = {}): Promise<HubFixture> {
  fixture = await hubFixture({ shardBytes: 3_000_000, ...options });
  return fixture;
}

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

  it('goes on with the other files while the hub refuses the address of one, then shows how long it asks to wait', async () => {
    const one = await start();
    const action = { kind: 'answer', status: 429, headers: AN_HOUR } as const;
    one.server.faults.add({ on: 'resolve', path: OTHER_SHARD, action });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    const paused = await one.until(({ problem }) => problem !== null);
    expect(paused).toMatchObject({ downloadStatus: 'downloading', problem: { code: 'hub_rate_limited' } });
    expect(paused.problem?.detail).toMatch(/answered 429 and asks to wait until 20.*Z$/);
    expect(paused.nextRetryAt ?? '').toMatch(/Z$/);
    expect(paused.download.bytes_done ?? 0).toBeGreaterThan(3_000_000);
    one.keeper.retry();
    await one.until(({ complete }) => complete);
    await expectVerified(one);
  });

  it('waits as long as the host of the files asks in a trouble of its own', async () => {
    const one = await start();
    const action = { kind: 'answer', status: 503, headers: AN_HOUR } as const;
    one.server.faults.add({ on: 'content', path: SHARD, action });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    const paused = await one.until(({ problem }) => problem !== null);
    expect(paused).toMatchObject({ problem: { code: 'hub_unreachable' } });
    expect(paused.problem?.detail).toMatch(/answered 503 .* and asks to wait until 20.*Z$/);
    expect(paused.nextRetryAt ?? '').toMatch(/Z$/);
    one.keeper.retry();
    await one.until(({ complete }) => complete);
    await expectVerified(one);
  });

  it('takes a page in the place of a file for a proxy that passes, however often it comes', async () => {
    const one = await start();
    const body = '<html>please log in</html>';
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-length': String(body.length) };
    const action = { kind: 'answer', status: 200, headers, body } as const;
    one.server.faults.add({ on: 'content', path: SHARD, times: 4, action });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    const codes = one.told.map(({ problem }) => problem?.code ?? null);
    expect(codes.every((code) => code === null || code === 'hub_unreachable')).toBe(true);
  });

  it('asks again for a file that comes in another size, and refuses it when it comes so again', async () => {
    const one = await start();
    const headers = { 'content-type': 'application/octet-stream', 'content-length': '5' };
    const action = { kind: 'answer', status: 200, headers, body: 'other' } as const;
    one.server.faults.add({ on: 'content', path: SHARD, action });
    expect(await fetchModel(one)).toMatchObject({ complete: true });
    await expectVerified(one);
    await rm(join(one.directory, 'hub'), { recursive: true });
    one.server.faults.add({ on: 'content', path: SHARD, times: 99, action });
    one.keeper.retry();
    const { problem } = await one.until(({ downloadStatus }) => downloadStatus === 'failed');
    expect(problem).toMatchObject({ code: 'hub_answer_invalid' });
    expect(problem?.detail).toContain('has 5 bytes at localhost');
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
