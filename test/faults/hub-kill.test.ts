import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheLayout } from '../../src/model/cache-layout.ts';
import { findComplete } from '../../src/model/cached-model.ts';
import { parseModelIdentifier } from '../../src/model/identifier.ts';
import { type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { type Repository, repositoryFrom } from '../stand-ins/hub/repository.ts';
import { modelContents } from '../support/model-files.ts';

const MODEL_ID = 'acme/tiny';
const PROGRAM = join(import.meta.dirname, '../support/download-model.ts');
const SHARD_BYTES = 30_000_000;
/** Both shards are fetched at the same time. */
const CONNECTIONS = 2;
/** What one connection may have to fetch again after a crash. */
const PART_BYTES = 16 * 1024 * 1024;
const KILLS = 6;

/** Starts the program, and kills it as soon as the hub has sent so many more bytes. False when it ended before. */
async function killAfter(hub: RunningHub, start: () => ChildProcess, bytes: number): Promise<boolean> {
  const running = start();
  const exited = once(running, 'exit');
  const until = hub.bytesSent() + bytes;
  while (hub.bytesSent() < until && running.exitCode === null) await sleep(2);
  const killed = running.exitCode === null && running.kill('SIGKILL');
  await exited;
  return killed;
}

describe('a download that is killed again and again', () => {
  const { identifier } = parseModelIdentifier(MODEL_ID);
  let directory = '';
  let server: RunningHub;
  let model: Repository;
  let kills = 0;
  let lastExit: unknown;

  beforeAll(async () => {
    model = await repositoryFrom(MODEL_ID, modelContents(SHARD_BYTES));
    server = await startHub({ models: [model], throttle: 30_000_000 });
    directory = await mkdtemp(join(tmpdir(), 'hub-kill-'));
    const start = () =>
      spawn(process.execPath, [PROGRAM, server.url, MODEL_ID, directory], { stdio: 'inherit' });
    while (kills < KILLS && (await killAfter(server, start, 2_000_000 + Math.random() * 18_000_000)))
      kills += 1;
    lastExit = await once(start(), 'exit');
  });
  afterAll(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const shards = () => model.files.filter((file) => /^model-.*\.safetensors$/.test(file.path));

  it('completes', async () => {
    expect(kills).toBeGreaterThan(1);
    expect(lastExit).toEqual([0, null]);
    if (identifier === undefined) throw new Error('not an identifier');
    expect(await findComplete(directory, identifier)).toMatchObject({ commit: model.commit });
  });

  it('has the right sha256 in every file', async () => {
    if (identifier === undefined) throw new Error('not an identifier');
    const snapshot = join(cacheLayout(directory, identifier).snapshots, model.commit);
    expect(shards()).toHaveLength(CONNECTIONS);
    for (const shard of shards()) {
      const bytes = await readFile(join(snapshot, shard.path));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(shard.sha256);
    }
  });

  it('fetches at most one part again per connection and kill', () => {
    const size = shards().reduce((sum, shard) => sum + shard.size, 0);
    expect(server.bytesSent()).toBeLessThanOrEqual(size + kills * CONNECTIONS * PART_BYTES);
  });
});
