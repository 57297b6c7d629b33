import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const keeperScript = join(repository, 'scripts/lib/engine.sh');
const commonScript = join(repository, 'scripts/lib/common.sh');

/** The tag of the image that {@link tinyImage} makes. */
const TINY_IMAGE = 'ai-sandbox-test/tiny:1';

/** How a finished command ended. A command killed by a signal has code 128. */
export interface CommandResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** How a command is run: `input` is its stdin, `timeoutMs` (default 60 s) kills it. */
export interface CommandOptions {
  input?: string;
  timeoutMs?: number;
  env?: Record<string, string>;
}

/** A real dockerd that belongs to its starter alone: it may be killed, stopped and started again at will. */
export interface PrivateEngine {
  /** Path of its Unix socket. */
  readonly socketPath: string;
  /** The same as `DOCKER_HOST` wants it: `unix://…`. */
  readonly dockerHost: string;
  readonly dataRoot: string;
  /** Process id of the running dockerd; another one after each `restart`. */
  readonly pid: number;
  /** Ends dockerd with all its containers, links and mounts; the image cache stays. Nothing can be started afterwards. */
  stop(): Promise<void>;
  /** Sends dockerd a signal (SIGKILL, SIGSTOP, SIGCONT…); does not wait. */
  kill(signal: NodeJS.Signals): void;
  /** Ends dockerd and its containers in whatever state they are, and starts a new one on the same data root. */
  restart(): Promise<void>;
  /** Only the second half of `restart`: after a SIGKILL, with the containers as they were left. */
  start(): Promise<void>;
  /** Runs the Docker client against this engine; never throws for a failing command. */
  docker(args: string[], options?: CommandOptions): Promise<CommandResult>;
}

/**
 * Starts a private dockerd under /var/tmp/ai-sandbox/<name>; it ends with `stop`, or with this process, however that ends.
 * Images of former runs are there, containers, volumes and networks are not. Two at once get two data roots.
 * `dockerdArguments` are added to its command line. Needs root; installs docker.io when it is missing.
 * Throws when dockerd does not start; the message holds the end of its log.
 */
export async function startEngine(name: string, dockerdArguments: string[] = []): Promise<PrivateEngine> {
  const keeper = spawn(keeperScript, ['keep', name, ...dockerdArguments], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const messages: string[] = [];
  keeper.stderr.on('data', (chunk: Buffer) => {
    messages.push(chunk.toString());
    process.stderr.write(chunk);
  });
  const answers = answerReader(keeper, () => messages.join(''));
  let engine = parseReady(await answers.next());

  const order = async (word: 'stop' | 'start'): Promise<void> => {
    keeper.stdin.write(`${word}\n`);
    const answer = await answers.next();
    if (word === 'start') engine = parseReady(answer);
  };
  const stop = async (): Promise<void> => {
    if (keeper.exitCode !== null || keeper.signalCode !== null) return;
    const ended = once(keeper, 'exit');
    keeper.stdin.end();
    await ended;
  };

  return {
    get socketPath() {
      return engine.socketPath;
    },
    get dockerHost() {
      return `unix://${engine.socketPath}`;
    },
    get dataRoot() {
      return engine.dataRoot;
    },
    get pid() {
      return engine.pid;
    },
    stop,
    kill: (signal) => {
      process.kill(engine.pid, signal);
    },
    restart: async () => {
      await order('stop');
      await order('start');
    },
    start: () => order('start'),
    docker: (args, options) => engineAt(engine.socketPath).docker(args, options),
  };
}

/** The engine that answers at a socket, used and left as found. */
export function engineAt(socketPath: string): Pick<PrivateEngine, 'socketPath' | 'dockerHost' | 'docker'> {
  const dockerHost = `unix://${socketPath}`;
  return {
    socketPath,
    dockerHost,
    docker: (args, options = {}) =>
      command('docker', args, { ...options, env: { DOCKER_HOST: dockerHost, ...options.env } }),
  };
}

/**
 * Makes a small image with busybox (sh, sleep, nc, httpd and the rest) from the distribution's package, with no registry.
 * Returns its tag. It has no command of its own: give one.
 */
export async function tinyImage(engine: PrivateEngine): Promise<string> {
  const present = await engine.docker(['image', 'inspect', TINY_IMAGE]);
  if (present.code === 0) return TINY_IMAGE;
  await command(
    'bash',
    ['-c', `source '${commonScript}'; [ -x /bin/busybox ] || install_packages busybox-static`],
    {
      timeoutMs: 300_000,
    },
  );
  await access('/bin/busybox');
  const root = await mkdtemp(join(tmpdir(), 'tiny-image-'));
  try {
    await command(
      'mkdir',
      ['-p', 'bin', 'tmp', 'etc', 'root', 'www'].map((folder) => join(root, folder)),
    );
    await cp('/bin/busybox', join(root, 'bin/busybox'));
    const applets = await command('/bin/busybox', ['--list']);
    for (const applet of applets.stdout.split('\n')) {
      if (applet !== '' && applet !== 'busybox') await symlink('busybox', join(root, 'bin', applet));
    }
    const made = await command(
      'bash',
      ['-c', `tar -C '${root}' -c . | docker import -c 'ENV PATH=/bin' - ${TINY_IMAGE}`],
      { env: { DOCKER_HOST: engine.dockerHost } },
    );
    if (made.code !== 0) throw new Error(`docker import failed: ${made.stderr}`);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return TINY_IMAGE;
}

/** Runs a command to its end; a command that cannot be run or fails gives its code, not an exception. */
function command(file: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      {
        env: { ...process.env, ...options.env },
        timeout: options.timeoutMs ?? 60_000,
        maxBuffer: 64 * 1024 * 1024,
        killSignal: 'SIGKILL',
      },
      (error, stdout, stderr) => {
        resolve({ stdout, stderr: error === null ? stderr : stderr || error.message, code: exitCode(error) });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

function exitCode(error: { code?: unknown } | null): number {
  if (error === null) return 0;
  return typeof error.code === 'number' ? error.code : 128;
}

interface Ready {
  pid: number;
  socketPath: string;
  dataRoot: string;
}

function parseReady(line: string): Ready {
  const [word, pid, socketPath, dataRoot] = line.split(' ');
  if (word !== 'ready' || socketPath === undefined || dataRoot === undefined) {
    throw new Error(`the engine's keeper answered: ${line}`);
  }
  return { pid: Number(pid), socketPath, dataRoot };
}

/** Gives the keeper's lines one by one; rejects with what it has said on stderr when it ends instead of answering. */
function answerReader(keeper: ChildProcess, said: () => string): { next(): Promise<string> } {
  if (keeper.stdout === null) throw new Error('the keeper has no stdout');
  const reader: Interface = createInterface({ input: keeper.stdout });
  const lines = reader[Symbol.asyncIterator]();
  return {
    next: async () => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`the private engine ended: ${said()}`);
      return line.value;
    },
  };
}
