import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';

const run = promisify(execFile);

/** Program and package have the same name. */
const REGISTRY = 'docker-registry';
const commonScript = fileURLToPath(new URL('../../scripts/lib/common.sh', import.meta.url));

/** A real image registry on loopback, plain HTTP, which every engine allows there. */
export interface Registry {
  /** `127.0.0.1:<port>`: the first part of an image name. */
  readonly host: string;
  readonly port: number;
  /** Directory for `DOCKER_CONFIG` whose login fits; a login is needed only with a password. */
  readonly dockerConfig: string;
  /** Ends the process; what was pushed stays. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Stops it and removes all of it. */
  remove(): Promise<void>;
}

/**
 * Starts Debian's `docker-registry` with its own folder and port. With `login` it wants this user and password.
 * Installs docker-registry, and apache2-utils for the password file, when they are missing, and says so.
 */
export async function startRegistry(login?: { user: string; password: string }): Promise<Registry> {
  await needPackage(REGISTRY, REGISTRY);
  const directory = await mkdtemp(join(tmpdir(), 'registry-'));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const config: Record<string, unknown> = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: host },
  };
  if (login !== undefined) {
    await needPackage('htpasswd', 'apache2-utils');
    // the registry reads bcrypt only
    const { stdout } = await run('htpasswd', ['-Bbn', login.user, login.password]);
    await writeFile(join(directory, 'htpasswd'), stdout);
    config['auth'] = { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } };
  }
  const auth = login && Buffer.from(`${login.user}:${login.password}`).toString('base64');
  await writeFile(
    join(directory, 'config.json'),
    JSON.stringify({ auths: auth ? { [host]: { auth } } : {} }),
  );
  // JSON is YAML
  await writeFile(join(directory, 'config.yml'), JSON.stringify(config));

  let child: ChildProcess | null = null;
  const registry: Registry = {
    host,
    port,
    dockerConfig: directory,
    async start() {
      child = spawn(REGISTRY, ['serve', join(directory, 'config.yml')], { stdio: 'ignore' });
      while (!(await accepts(port))) {
        if (child.exitCode !== null) throw new Error(`docker-registry ended with code ${child.exitCode}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async stop() {
      const running = child;
      child = null;
      if (running === null || running.exitCode !== null) return;
      const ended = once(running, 'exit');
      running.kill('SIGKILL');
      await ended;
    },
    async remove() {
      await registry.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await registry.start();
  return registry;
}

/** A port in front of another that passes on only so many bytes of each answer, then holds the connection in silence. */
export async function stallingProxy(
  port: number,
  answerBytes: number,
): Promise<{ host: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(port, '127.0.0.1');
    let passed = 0;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('data', (chunk) => {
      client.write(chunk.subarray(0, Math.max(0, answerBytes - passed)));
      passed += chunk.length;
    });
  });
  const own = await listen(server);
  return {
    host: `127.0.0.1:${own}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
      else reject(new Error('a listening server has no port'));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function needPackage(program: string, name: string): Promise<void> {
  const script = `source '${commonScript}'; need '${program}' '${name}'`;
  const { stderr } = await run('bash', ['-c', script], { timeout: 300_000 });
  process.stderr.write(stderr);
}
