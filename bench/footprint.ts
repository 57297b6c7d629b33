/**
 * exec → first /livez 200, and resident memory after idling, of the shipped daemon beside a bare bundle of the same
 * dependencies, in alternation. Usage: npm run build && node bench/footprint.ts [--rounds 20] [--idle-seconds 5]
 * The daemon gets an empty folder, two services it may not start (no engine), and all its files in a temporary place.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from '../scripts/bundle.ts';
import { describe, median, printRatio } from './lib/statistics.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    'idle-seconds': { type: 'string', default: '5' },
  },
});
const rounds = Number(options.rounds);
const idleMs = Number(options['idle-seconds']) * 1000;
const top = join(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'ai-sandbox-footprint-'));
const POLL_INTERVAL_MS = 2;
const GIVE_UP_MS = 30_000;
const BYTES_PER_MIB = 1024 * 1024;

interface Run {
  milliseconds: number;
  residentMib: number;
}

await bundle({ peer: join(top, 'bench/footprint-peer.ts') }, join(folder, 'peer'));
await bundle({ main: join(top, 'src/main.ts') }, join(folder, 'ours'));
await cp(join(top, 'compose/docker-compose.cpu.yml'), join(folder, 'docker-compose.yml'));

const ours: Run[] = [];
const peer: Run[] = [];
try {
  for (let round = 0; round <= rounds; round += 1) {
    const port = 19_400 + (round % 50) * 2;
    const [a, b] = [await measure(oursCommand(port), port), await measure(peerCommand(port + 1), port + 1)];
    if (round === 0) continue; // fills the compile cache and the page cache of both
    ours.push(a);
    peer.push(b);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const times = {
  ours: { name: 'ai-sandbox: exec to first /livez 200', values: ours.map((run) => run.milliseconds) },
  peer: { name: 'bare bundle of the same packages', values: peer.map((run) => run.milliseconds) },
};
const memory = {
  ours: { name: 'ai-sandbox: resident when idle', values: ours.map((run) => run.residentMib) },
  peer: { name: 'bare bundle: resident when idle', values: peer.map((run) => run.residentMib) },
};
console.log(describe(times.ours, 'ms'));
console.log(describe(times.peer, 'ms'));
printRatio(times.ours, times.peer, 1.3);
console.log(`absolute: ${median(times.ours.values).toFixed(0)} ms; target <= 300 ms`);
console.log(describe(memory.ours, 'MiB', 1));
console.log(describe(memory.peer, 'MiB', 1));
const more = median(memory.ours.values) - median(memory.peer.values);
console.log(
  `difference of the medians: ${more.toFixed(1)} MiB; target <= 25 MiB: ${more <= 25 ? 'reached' : 'MISSED'}`,
);

function oursCommand(port: number) {
  const environment = {
    AI_SANDBOX_COMPOSE_FILE: join(folder, 'docker-compose.yml'),
    AI_SANDBOX_LISTEN: `127.0.0.1:${port}`,
    AI_SANDBOX_SOCKET: join(folder, 'control.sock'),
    AI_SANDBOX_STATE_DIR: join(folder, 'state'),
    AI_SANDBOX_LOG_DIR: join(folder, 'log'),
    AI_SANDBOX_MOTD_FILE: join(folder, 'motd'),
    AI_SANDBOX_HF_TOKEN_FILE: join(folder, 'hf-token'),
    HF_ENDPOINT: 'http://127.0.0.1:9',
    DOCKER_HOST: `unix://${join(folder, 'no-engine.sock')}`,
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
  };
  return spawn(process.execPath, [join(folder, 'ours/main.mjs')], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: 'ignore',
  });
}

function peerCommand(port: number) {
  return spawn(
    process.execPath,
    [join(folder, 'peer/peer.mjs'), String(port), join(folder, 'no-engine.sock')],
    {
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
      stdio: 'ignore',
    },
  );
}

async function measure(child: ChildProcess, port: number): Promise<Run> {
  const started = performance.now();
  try {
    while (!(await answers(port))) {
      if (child.exitCode !== null || performance.now() - started > GIVE_UP_MS) {
        throw new Error(`no /livez on port ${port} (exit code ${child.exitCode})`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
    const milliseconds = performance.now() - started;
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const status = await readFile(`/proc/${child.pid}/statm`, 'utf8');
    const residentMib = (Number(status.split(' ')[1]) * 4096) / BYTES_PER_MIB;
    return { milliseconds, residentMib };
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ host: '127.0.0.1', port, path: '/livez', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    probe.on('error', () => resolve(false));
    probe.end();
  });
}
