/**
 * A model of 4 files from a server that holds each connection to 60 MB/s and answers 40 ms late: the daemon beside
 * aria2c, curl and one stream of our own.
 *   scripts/with-node node bench/download.ts [--rounds 5] [--mib 4096]     docs/benchmarks.md
 */
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdir, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startHub } from '../test/stand-ins/hub/hub.ts';
import { repositoryFromFolder, type StoredFile } from '../test/stand-ins/hub/repository.ts';
import { alternate, benchmark, type Stage } from './lib/benchmark.ts';
import { prepareDaemon, shippedDaemon, start, temporaryFolder, untilOk } from './lib/daemon.ts';
import { freePorts } from './lib/engine.ts';
import { startFileServer } from './lib/file-server.ts';
import { cpuSeconds, peakResidentMib } from './lib/process-cost.ts';
import { printHead, type Series } from './lib/report.ts';
import { median, percentile } from './lib/statistics.ts';

const run = promisify(execFile);

const FILES = 4;
const CONNECTION_BYTES_PER_SECOND = 60_000_000;
const DELAY_SECONDS = 0.04;
const ARIA2C_TARGET = 1 / 0.95;
const CURL_TARGET = 1 / 5;
const MEMORY_TARGET_MIB = 320;
const LOOP_DELAY_TARGET_MS = 20;
const STATUS_TARGET_MS = 10;
/** Who asks for /status gets a core at once: what is measured is the daemon's answer, not the wait of the one who asks. */
const ASKING_NICENESS = -10;
/** /status is asked this often while the daemon downloads. */
const ASK_EVERY_MS = 25;
const MODEL_ID = 'bench/model';
const BYTES_PER_MIB = 1024 ** 2;
const BYTES_PER_GB = 1e9;

/** One download. */
interface Run {
  milliseconds: number;
  cpuSeconds: number;
}
/** One download of the daemon. */
interface DaemonRun extends Run {
  peakMib: number;
  statusMs: number[];
  loopDelayMs: number;
}

await benchmark(measureDownloads, { rounds: '5', mib: '4096' });

async function measureDownloads(stage: Stage): Promise<void> {
  const mib = Number(stage.options['mib']);
  if (!Number.isInteger(mib) || mib < FILES) throw new Error(`--mib takes a whole number from ${FILES}`);
  const { folder, remove } = await temporaryFolder('download');
  stage.defer(remove);
  printHead(
    `Download of a model of ${mib} MiB in ${FILES} files`,
    [
      `Every connection gets at most ${CONNECTION_BYTES_PER_SECOND / 1e6} MB/s, every answer begins ${DELAY_SECONDS * 1000} ms late. ai-sandbox: the shipped daemon, from its first question to`,
      'the hub to the completed model (all sha256 right, synced, linked); aria2c -x8 -s8 -j2 with --checksum, and sync -f after it; curl',
      'and one stream of our own, which hashes and syncs: one file after the other. The last two run once.',
      `Who asks for /status runs at niceness ${ASKING_NICENESS}.`,
    ],
    stage.rounds,
  );
  const source = await makeModel(folder, mib);
  await run('sync', ['-f', folder]);
  const cdn = await startFileServer(stage, source.blobs, {
    bytesPerSecond: CONNECTION_BYTES_PER_SECOND,
    delaySeconds: DELAY_SECONDS,
  });
  const hub = await startHub({ models: [source.repository], cdn });
  stage.defer(hub.close);
  const weights = source.repository.files.filter(({ sha256 }) => sha256 !== null);
  const place = join(folder, 'destination');
  const address = ({ sha256 }: StoredFile) => `${cdn}/repos/${sha256}`;

  const program = await shippedDaemon(folder);
  const daemon = () =>
    measureDaemon(stage, {
      folder,
      place,
      program,
      hubUrl: hub.url,
      firstAsked: () => hub.requests.length > 0,
    });
  const clean = async () => {
    await rm(place, { recursive: true, force: true });
    await mkdir(place, { recursive: true });
    await run('sync', ['-f', place]);
    hub.requests.length = 0;
  };
  const list = join(folder, 'aria2c.txt');
  await writeFile(
    list,
    weights
      .map((file) => `${address(file)}\n  out=${file.path}\n  checksum=sha-256=${file.sha256}\n`)
      .join(''),
  );
  const aria2c = ['-x8', '-s8', '-j2', '--file-allocation=none', '--no-conf', '-q', '-d', place, '-i', list];

  const sides = await alternate<'ours' | 'peer', Run & Partial<DaemonRun>>(stage, {
    ours: () => clean().then(daemon),
    peer: () =>
      clean().then(() =>
        measure(async () => {
          await run('aria2c', aria2c);
          await run('sync', ['-f', place]);
        }),
      ),
  });
  await clean();
  const curl = await measure(() =>
    run('curl', ['-sf', ...weights.flatMap((file) => ['-o', join(place, file.path), address(file)])]),
  );
  await clean();
  const single = await measure(() =>
    run(process.execPath, [
      join(import.meta.dirname, 'lib/one-stream.ts'),
      place,
      ...weights.map((file) => `${file.sha256}=${address(file)}`),
    ]),
  );
  reportRuns(stage, mib * BYTES_PER_MIB, {
    ours: sides.ours as DaemonRun[],
    aria2c: sides.peer,
    curl: [curl],
    single: [single],
  });
}

function reportRuns(
  stage: Stage,
  bytes: number,
  runs: { ours: DaemonRun[]; aria2c: Run[]; curl: Run[]; single: Run[] },
): void {
  const { report } = stage;
  const series = (unit: Series['unit'], value: (one: Run) => number) =>
    (
      [
        ['ai-sandbox', runs.ours],
        ['aria2c -x8 -s8 -j2 --checksum, sync -f', runs.aria2c],
        ['curl', runs.curl],
        ['one stream of our own', runs.single],
      ] as const
    ).map(([name, all]): Series => ({ name, unit, values: all.map(value) }));
  const times = series('ms', (one) => one.milliseconds);
  report.series(...times);
  const [ours, aria2c, curl] = times;
  if (ours === undefined || aria2c === undefined || curl === undefined) throw new Error('no sides');
  report.ratio('ai-sandbox / aria2c', ours, aria2c, ARIA2C_TARGET);
  report.ratio(
    'ai-sandbox / curl',
    ours,
    { ...curl, values: ours.values.map(() => median(curl.values)) },
    CURL_TARGET,
  );
  report.series(...series('MB/s', (one) => bytes / 1000 / one.milliseconds));
  report.series(...series('s/GB', (one) => one.cpuSeconds / (bytes / BYTES_PER_GB)));
  console.log('');
  report.atMost(
    'daemon, largest memory',
    Math.max(...runs.ours.map(({ peakMib }) => peakMib)),
    'MiB',
    MEMORY_TARGET_MIB,
  );
  report.atMost(
    'daemon, event loop p99',
    median(runs.ours.map(({ loopDelayMs }) => loopDelayMs)),
    'ms',
    LOOP_DELAY_TARGET_MS,
  );
  const answers = runs.ours.flatMap(({ statusMs }) => statusMs);
  report.atMost('daemon, /status p99', percentile(answers, 0.99), 'ms', STATUS_TARGET_MS);
}

/** Time and CPU of something that runs in child processes and waits for them. */
async function measure(work: () => Promise<unknown>): Promise<Run> {
  const before = await cpuSeconds(process.pid);
  const startedAt = performance.now();
  await work();
  const milliseconds = performance.now() - startedAt;
  const after = await cpuSeconds(process.pid);
  return { milliseconds, cpuSeconds: after.children - before.children };
}

/** Starts the daemon with the model wanted, and watches it until the model is completed. */
async function measureDaemon(
  stage: Stage,
  at: { folder: string; place: string; program: string; hubUrl: string; firstAsked(): boolean },
): Promise<DaemonRun> {
  const { folder, place, program, hubUrl } = at;
  const [port = 0] = await freePorts(1);
  const delayFile = join(place, 'loop-delay.json');
  const api = { image: 'none', volumes: [`${join(place, 'models')}:/root/.cache/huggingface`] };
  const environment = {
    ...(await prepareDaemon({
      folder: join(place, 'daemon'),
      composeText: JSON.stringify({ name: 'bench-download', services: { api } }),
      port,
      dockerHost: `unix://${join(folder, 'no-engine.sock')}`,
    })),
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    HF_ENDPOINT: hubUrl,
    MODEL_ID,
    AI_SANDBOX_DISK_RESERVE_BYTES: '0',
    LOOP_DELAY_FILE: delayFile,
  };
  const started = start(['--import', join(import.meta.dirname, 'lib/loop-delay.mjs'), program], environment);
  try {
    while (!at.firstAsked()) await sleep(1, undefined, { signal: stage.signal });
    const startedAt = performance.now();
    const before = await cpuSeconds(started.child.pid ?? 0);
    await untilOk(port, '/livez', startedAt);
    const statusMs: number[] = [];
    // Set after the last child process was started: those inherit it.
    setPriority(ASKING_NICENESS);
    const agent = new Agent({ keepAlive: true });
    stage.defer(async () => agent.destroy());
    for (;;) {
      const asked = performance.now();
      const { text, answered } = await ask(agent, port);
      const status = JSON.parse(text) as {
        model: { download_status: string; problem: { detail: string } | null };
      };
      if (status.model.problem !== null) throw new Error(status.model.problem.detail);
      if (status.model.download_status === 'completed') {
        const after = await cpuSeconds(started.child.pid ?? 0);
        const peakMib = await peakResidentMib(started.child.pid ?? 0);
        await started.stop();
        const { p99 } = JSON.parse(await readFile(delayFile, 'utf8')) as { p99: number };
        const milliseconds = answered - startedAt;
        return { milliseconds, cpuSeconds: after.own - before.own, peakMib, statusMs, loopDelayMs: p99 };
      }
      statusMs.push(answered - asked);
      await sleep(ASK_EVERY_MS, undefined, { signal: stage.signal });
    }
  } finally {
    setPriority(0);
    await started.stop();
  }
}

/** One GET /status over a kept connection, and when its last byte was there. */
function ask(agent: Agent, port: number): Promise<{ text: string; answered: number }> {
  return new Promise((resolve, reject) => {
    get({ agent, host: '127.0.0.1', port, path: '/status' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ text, answered: performance.now() })).on('error', reject);
    }).on('error', reject);
  });
}

/** Makes a model of random weights in memory, and a folder in which its large files stand by their sha256. */
async function makeModel(folder: string, mib: number) {
  const files = join(folder, 'source');
  await mkdir(files);
  const names = Array.from({ length: FILES }, (_, at) => `model-0000${at + 1}-of-0000${FILES}.safetensors`);
  for (const name of names) await writeWeights(join(files, name), (mib / FILES) * BYTES_PER_MIB);
  const map = Object.fromEntries(names.map((name) => [name, name]));
  await writeFile(
    join(files, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: map }),
  );
  await writeFile(join(files, 'config.json'), '{"architectures":["LlamaForCausalLM"]}');
  await writeFile(join(files, 'tokenizer.json'), '{"model":{}}');
  const repository = await repositoryFromFolder(MODEL_ID, files);
  const blobs = join(folder, 'blobs');
  await mkdir(blobs);
  for (const { path, sha256 } of repository.files) {
    if (sha256 !== null) await symlink(join(files, path), join(blobs, sha256));
  }
  return { repository, blobs };
}

/** A safetensors file of about so many bytes. */
async function writeWeights(path: string, bytes: number): Promise<void> {
  const block = randomFillSync(Buffer.alloc(4 * BYTES_PER_MIB));
  const blocks = Math.max(1, Math.floor(bytes / block.length));
  const size = blocks * block.length;
  const header = Buffer.from(
    JSON.stringify({ weight: { dtype: 'U8', shape: [size], data_offsets: [0, size] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = await open(path, 'w');
  await file.write(Buffer.concat([length, header]));
  for (let at = 0; at < blocks; at += 1) {
    block.writeUInt32LE(at);
    await file.write(block);
  }
  await file.close();
}
