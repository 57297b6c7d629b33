import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleShipped } from '../../scripts/bundle.ts';

const POLL_INTERVAL_MS = 2;
const PATIENCE_MS = 10;
const GIVE_UP_MS = 30_000;

/** A folder for one benchmark. */
export async function temporaryFolder(name: string): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), `ai-sandbox-bench-${name}-`));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Bundles the daemon as it is shipped; returns the path of its program. */
export async function shippedDaemon(folder: string): Promise<string> {
  await bundleShipped(join(folder, 'dist'));
  return join(folder, 'dist/main.mjs');
}

/** What a daemon works with. */
interface DaemonOptions {
  /** Everything it writes goes here. */
  folder: string;
  composeText: string;
  port: number;
  dockerHost: string;
}

/** Writes the compose file and makes the environment of a daemon whose files all lie in `folder`. */
export async function prepareDaemon(options: DaemonOptions): Promise<Record<string, string>> {
  const { folder } = options;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'docker-compose.yml'), options.composeText);
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    AI_SANDBOX_COMPOSE_FILE: join(folder, 'docker-compose.yml'),
    AI_SANDBOX_LISTEN: `127.0.0.1:${options.port}`,
    AI_SANDBOX_SOCKET: join(folder, 'control.sock'),
    AI_SANDBOX_STATE_DIR: join(folder, 'state'),
    AI_SANDBOX_LOG_DIR: join(folder, 'log'),
    AI_SANDBOX_MOTD_FILE: join(folder, 'motd'),
    AI_SANDBOX_HF_TOKEN_FILE: join(folder, 'hf-token'),
    AI_SANDBOX_METADATA_URL: 'http://127.0.0.1:9',
    HF_ENDPOINT: 'http://127.0.0.1:9',
    DOCKER_HOST: options.dockerHost,
    NODE_COMPILE_CACHE: join(options.folder, 'compile-cache'),
  };
}

/** A Node program that was started, and the moment it was, on the clock of `performance.now()`. */
export interface Started {
  child: ChildProcess;
  startedAt: number;
  /** SIGTERM, and its end. */
  stop(): Promise<void>;
}

/** Starts a Node program. */
export function start(argv: readonly string[], environment: Record<string, string>): Started {
  const startedAt = performance.now();
  const child = spawn(process.execPath, argv, { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const ended = once(child, 'exit').finally(() => process.removeListener('exit', killWithUs));
  return {
    child,
    startedAt,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/**
 * Waits for a 200 from http://127.0.0.1:<port><path>; returns the time since `since`, in milliseconds. Asks every 2 ms where
 * it is refused, and every 10 ms without waiting for an answer: a proxy that dials a container whose network is not up
 * yet has an answer only after a second.
 */
export async function untilOk(port: number, path: string, since: number): Promise<number> {
  let answeredAt: number | null = null;
  while (answeredAt === null) {
    if (performance.now() - since > GIVE_UP_MS) throw new Error(`nothing answers 200 at ${port}${path}`);
    const probe = answersOk(port, path).then((ok) => {
      if (ok) answeredAt ??= performance.now();
    });
    await Promise.race([probe, sleep(PATIENCE_MS)]);
    if (answeredAt === null) await sleep(POLL_INTERVAL_MS);
  }
  return answeredAt - since;
}

/** Whether http://127.0.0.1:<port><path> answers 200 now. */
export function answersOk(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request(
      { host: '127.0.0.1', port, path, agent: false, timeout: GIVE_UP_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    probe.on('timeout', () => probe.destroy());
    probe.on('error', () => resolve(false));
    probe.end();
  });
}
