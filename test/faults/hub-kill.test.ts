import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/bundle.ts';
import { blobPath, cacheLayout, journalPath } from '../../src/model/cache-layout.ts';
import { findComplete } from '../../src/model/cached-model.ts';
import { readClaims } from '../../src/model/download/journal.ts';
import { SMALLEST_PART_BYTES } from '../../src/model/download/plan.ts';
import { FIRST_CONNECTIONS, MOST_CONNECTIONS } from '../../src/model/download/width.ts';
import { parseModelIdentifier } from '../../src/model/identifier.ts';
import { type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { type Repository, repositoryFrom } from '../stand-ins/hub/repository.ts';
import { HUB_CLIENT_LIMIT_MS, hubClientPython, runPython } from '../support/hub-client.ts';
import { modelContents } from '../support/model-files.ts';

const MODEL_ID = 'acme/tiny';
/** Bundled as the daemon is, with its threads beside it: twenty starts of the sources would take long. */
const PROGRAMS = {
  'download-model': join(import.meta.dirname, '../support/download-model.ts'),
  'model-downloader': join(import.meta.dirname, '../../src/model/download/thread-main.ts'),
  'model-hasher': join(import.meta.dirname, '../../src/model/download/hash-worker-main.ts'),
};
const SHARD_BYTES = 400_000_000;
const KILLS = 20;
/** What the killed runs fetch together: on a disk that loses nothing, too, none of them comes to the end of both shards. */
const BYTES_UNTIL_LAST_KILL = 1.75 * SHARD_BYTES;
/** What one kill may cost at least: a part of each connection that a download begins with. */
const LOST_BYTES = FIRST_CONNECTIONS * SMALLEST_PART_BYTES;
/** Bytes a second of one connection: eight of them bring most portions before their number is raised. */
const THROTTLE = 24_000_000;
/** Twenty starts and the files at the hub's speed, 40 s on a machine at rest. */
const DOWNLOAD_LIMIT_MS = 240_000;

/** The moments of the kills; `AI_SANDBOX_SEED` replays what was said. */
function seedOfKills(): number {
  const given = process.env['AI_SANDBOX_SEED'] ?? '';
  const seed = given === '' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  process.stderr.write(`ai-sandbox: kills at random moments (AI_SANDBOX_SEED=${seed})\n`);
  return seed;
}

/** Random numbers of bytes, one for each kill: many small ones, and some of which a kill may not cost all. */
function randomPortions(seed: number): number[] {
  const share = fc.noBias(fc.integer({ min: 0, max: 1_000_000 })).map((number) => number ** 2);
  const shares = fc.sample(share, { seed, numRuns: KILLS });
  const all = shares.reduce((sum, one) => sum + one, 0);
  return shares.map((one) => (one / all) * BYTES_UNTIL_LAST_KILL);
}

/** What one run fetched until it was killed, and how much more was claimed then. */
interface KilledRun {
  fetched: number;
  claimed: number;
  /** Answers of the host of the files; there were not more connections at the same time. */
  answers: number;
}

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

describe('a download that is killed twenty times at random moments', () => {
  const { identifier } = parseModelIdentifier(MODEL_ID);
  let directory = '';
  let programs = '';
  let server: RunningHub;
  let model: Repository;
  const killed: KilledRun[] = [];
  let lastExit: unknown;
  let sentBeforeLast = 0;
  let claimedBeforeLast = 0;
  let python = '';

  beforeAll(async () => {
    python = await hubClientPython();
    const { 'consolidated.safetensors': _unused, ...contents } = modelContents(SHARD_BYTES);
    model = await repositoryFrom(MODEL_ID, contents);
    server = await startHub({ models: [model], throttle: THROTTLE });
    directory = await mkdtemp(join(tmpdir(), 'hub-kill-'));
    programs = await mkdtemp(join(tmpdir(), 'hub-kill-programs-'));
    await bundle(PROGRAMS, programs);
    const program = join(programs, 'download-model.mjs');
    const start = () =>
      spawn(process.execPath, [program, server.url, MODEL_ID, directory], { stdio: 'inherit' });
    for (const bytes of randomPortions(seedOfKills())) {
      const [sentBefore, claimedBefore] = [server.bytesSent(), await claimedBytes()];
      server.requests.length = 0;
      if (!(await killAfter(server, start, bytes))) continue;
      killed.push({
        fetched: server.bytesSent() - sentBefore,
        claimed: (await claimedBytes()) - claimedBefore,
        answers: server.requests.filter(({ host }) => host === 'localhost').length,
      });
    }
    sentBeforeLast = server.bytesSent();
    claimedBeforeLast = await claimedBytes();
    lastExit = await once(start(), 'exit');
  }, HUB_CLIENT_LIMIT_MS + DOWNLOAD_LIMIT_MS);
  afterAll(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
    await rm(programs, { recursive: true, force: true });
  });

  /** Bytes of the shards that are complete, or that their journal says are on disk. */
  const claimedBytes = async (): Promise<number> => {
    if (identifier === undefined) throw new Error('not an identifier');
    const layout = cacheLayout(directory, identifier);
    const claimed = shards().map(async ({ sha256, size }) => {
      const file = { etag: sha256 ?? '', sizeBytes: size };
      if (await stat(blobPath(layout, file)).catch(() => null)) return size;
      const journal = await readFile(journalPath(layout, file), 'utf8').catch(() => '');
      return readClaims(journal, file).reduce((sum, { from, to }) => sum + to - from, 0);
    });
    return (await Promise.all(claimed)).reduce((sum, bytes) => sum + bytes, 0);
  };
  const shards = () => model.files.filter((file) => /^model-.*\.safetensors$/.test(file.path));

  it('completes', async () => {
    expect(killed).toHaveLength(KILLS);
    expect(lastExit).toEqual([0, null]);
    if (identifier === undefined) throw new Error('not an identifier');
    expect(await findComplete(directory, identifier)).toMatchObject({ commit: model.commit });
  });

  it('has the right sha256 in every file', async () => {
    if (identifier === undefined) throw new Error('not an identifier');
    const snapshot = join(cacheLayout(directory, identifier).snapshots, model.commit);
    expect(shards()).toHaveLength(2);
    for (const shard of shards()) {
      const bytes = await readFile(join(snapshot, shard.path));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(shard.sha256);
    }
  });

  it('keeps at each kill what was fetched, but for one part of each connection', () => {
    expect(killed.filter(({ fetched }) => fetched > LOST_BYTES).length).toBeGreaterThan(0);
    for (const { fetched, claimed, answers } of killed) {
      const lost = Math.min(answers, MOST_CONNECTIONS) * SMALLEST_PART_BYTES;
      expect(fetched - claimed).toBeLessThanOrEqual(lost);
    }
  });

  it('fetches no byte again that was kept', () => {
    const size = shards().reduce((sum, shard) => sum + shard.size, 0);
    const last = server.bytesSent() - sentBeforeLast;
    expect(last).toBeLessThanOrEqual(size - claimedBeforeLast + LOST_BYTES);
  });

  it('is accepted by the Python client without the network', async () => {
    const program = `import json\nfrom huggingface_hub import snapshot_download\nprint(json.dumps(snapshot_download("${MODEL_ID}", local_files_only=True, allow_patterns=["*.safetensors", "*.json"])))`;
    const folder = await runPython(python, program, {
      HF_HOME: directory,
      HF_HUB_OFFLINE: '1',
    });
    expect(folder).toBe(join(directory, 'hub', 'models--acme--tiny', 'snapshots', model.commit));
  });
});
