import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PrivateEngine, startEngine, tinyImage } from '../../test/support/engine-process.ts';
import type { Stage } from './benchmark.ts';
import { type EngineApi, openEngineApi } from './engine-api.ts';

const run = promisify(execFile);

export type { PrivateEngine } from '../../test/support/engine-process.ts';

/** A private engine for one benchmark, and a small image with busybox in it. */
export async function benchmarkEngine(
  stage: Stage,
): Promise<{ engine: PrivateEngine; image: string; api: EngineApi }> {
  const engine = await startEngine('bench');
  stage.defer(engine.stop);
  const api = openEngineApi(engine.socketPath);
  stage.defer(async () => api.close());
  return { engine, image: await tinyImage(engine), api };
}

/** A program of the tiny image that answers 200: every container has this file. */
export const WEB_SERVER = ['httpd', '-f', '-p', '80', '-h', '/etc'];
/** What {@link WEB_SERVER} answers 200 to. */
export const WEB_PATH = '/hostname';

/** Runs the Docker client; returns its output, throws with its words when it fails. */
export async function docker(engine: PrivateEngine, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.docker(args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Now on the wall clock, in milliseconds since 1970 with fraction, to be compared with the engine's times. */
export function wallNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Removes all containers and the networks made by users. */
export async function removeEverything(engine: PrivateEngine): Promise<void> {
  const containers = (await docker(engine, 'ps', '-aq')).split('\n').filter((id) => id !== '');
  if (containers.length > 0) await docker(engine, 'rm', '-f', '-v', ...containers);
  await docker(engine, 'network', 'prune', '-f');
}

/** Ports of 127.0.0.1 that nobody uses, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            if (typeof address === 'object' && address !== null) resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Path of docker compose 2.40, fetched from the distribution where it is not there. */
export async function composePeer(): Promise<string> {
  const { stdout } = await run(join(import.meta.dirname, '../../scripts/lib/docker-compose-peer'));
  return stdout.trim();
}
