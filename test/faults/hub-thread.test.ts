import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { cacheLayout } from '../../src/model/cache-layout.ts';
import { findComplete } from '../../src/model/cached-model.ts';
import { createDownloadMeter } from '../../src/model/download/meter.ts';
import { bytesToFetch, type DownloadJob, SILENCE_LIMIT_MS } from '../../src/model/download/model-download.ts';
import { createThreadedDownload } from '../../src/model/download/thread.ts';
import { createHub } from '../../src/model/hub.ts';
import { type ExaminedModel, ModelError } from '../../src/model/types.ts';
import { type HubOptions, type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { repositoryFrom } from '../stand-ins/hub/repository.ts';
import { modelContents } from '../support/model-files.ts';

const IDENTIFIER = { id: 'acme/tiny', organisation: 'acme', name: 'tiny' };
const SHARD = 'model-00001-of-00002.safetensors';
const SHARD_BYTES = 3_000_000;
/** Slow enough that a download is under way when the test ends it. */
const THROTTLE = 2_000_000;

let directory = '';
let server: RunningHub | null = null;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hub-thread-'));
});
afterEach(async () => {
  await server?.close();
  server = null;
  await rm(directory, { recursive: true, force: true });
});

async function hubWith(options: Partial<HubOptions> = {}, token: string | null = null) {
  const repository = await repositoryFrom(IDENTIFIER.id, modelContents(SHARD_BYTES));
  server = await startHub({ models: [repository], ...options });
  const access = { endpoint: server.url, token: () => token, caFile: null };
  const hub = createHub({ ...access, clock: systemClock });
  const model = await hub.resolve(IDENTIFIER, 'main', new AbortController().signal);
  await hub.close();
  return { server, access, model, layout: cacheLayout(directory, IDENTIFIER) };
}

function jobFor(model: ExaminedModel, more: Partial<DownloadJob> = {}) {
  const meter = createDownloadMeter(model.files, systemClock);
  const told: string[] = [];
  const job: DownloadJob = {
    log: silentLog,
    silenceLimitMs: SILENCE_LIMIT_MS,
    bytesPerSecond: null,
    meter,
    onStart: () => told.push('start'),
    onReceived: () => told.push('received'),
    ...more,
  };
  return { job, meter, told };
}

const never = new AbortController().signal;

describe('a download in a thread of its own', () => {
  it('makes the model complete, and tells of its start, its bytes, its files and its log', async () => {
    const { access, model, layout } = await hubWith();
    const logged: string[] = [];
    const log: Log = {
      ...silentLog,
      info: (message, fields) => logged.push(`${message} ${fields?.['file']}`),
    };
    const { job, meter, told } = jobFor(model, { log });
    await createThreadedDownload(access)(job, model, layout, never);
    expect(await findComplete(directory, IDENTIFIER, 'main')).toMatchObject({ commit: model.commit });
    expect(meter.view()).toMatchObject({ files_done: model.files.length, files_total: model.files.length });
    expect(told[0]).toBe('start');
    expect(told).toContain('received');
    expect(logged).toContain(`model file fetched and verified ${SHARD}`);
    expect(logged).toHaveLength(model.files.length);
  });

  it('ends with the named problem', async () => {
    const { server, access, model, layout } = await hubWith();
    server.faults.add({
      on: 'resolve',
      times: 1_000,
      action: { kind: 'answer', status: 403, headers: { 'x-error-code': 'GatedRepo' } },
    });
    const { job } = jobFor(model);
    const error = await createThreadedDownload(access)(job, model, layout, never).catch((cause) => cause);
    expect(error).toBeInstanceOf(ModelError);
    expect(error.finding).toMatchObject({ code: 'model_gated' });
  });

  it('claims what came when it is ended, and goes on from there', async () => {
    const { server, access, model, layout } = await hubWith({ throttle: THROTTLE });
    const size = model.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const stop = new AbortController();
    const { job } = jobFor(model, {
      onReceived: () => server.bytesSent() > size / 2 && stop.abort(new Error('another model is wanted')),
    });
    await expect(createThreadedDownload(access)(job, model, layout, stop.signal)).rejects.toThrow(
      'another model is wanted',
    );
    const sent = server.bytesSent();
    expect(await bytesToFetch(model, layout)).toBeLessThan(size);
    await createThreadedDownload(access)(jobFor(model).job, model, layout, never);
    expect(await findComplete(directory, IDENTIFIER, 'main')).not.toBeNull();
    expect(server.bytesSent() - sent).toBeLessThan(size);
  });

  it('begins again where the token was changed after it began', async () => {
    const { server, access, model, layout } = await hubWith({ tokens: { fresh: [] } }, 'fresh');
    const tokens = ['revoked'];
    const download = createThreadedDownload({ ...access, token: () => tokens.pop() ?? 'fresh' });
    server.requests.length = 0;
    await download(jobFor(model).job, model, layout, never);
    expect(server.requests[0]?.authorization).toBe('Bearer revoked');
    expect(server.requests.at(-1)?.authorization).not.toBe('Bearer revoked');
    expect(await findComplete(directory, IDENTIFIER, 'main')).not.toBeNull();
  });

  it('rejects when the thread dies', async () => {
    const { access, model, layout } = await hubWith();
    const entry = join(directory, 'dies.mjs');
    await writeFile(entry, 'process.exit(3);');
    const download = createThreadedDownload(access, entry);
    await expect(download(jobFor(model).job, model, layout, never)).rejects.toThrow(
      'the downloading thread has ended',
    );
  });
});
