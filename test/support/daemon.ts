import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/status/schema.ts';
import type { CommandResult, PrivateEngine } from './engine.ts';
import { freePort } from './ports.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const cpuTemplate = join(repository, 'compose/docker-compose.cpu.yml');

/** Between two looks at a status that is waited for. */
const LOOK_INTERVAL_MS = 100;
/** A request to the daemon that has no answer by then fails the test. */
const REQUEST_DEADLINE_MS = 10_000;
/** From exec to the first answer; a machine whose disk is busy has been seen to need half a minute. */
const LISTEN_DEADLINE_MS = 60_000;
/** Space that a test leaves on the disk, instead of the 5 GiB of a server. */
const DISK_RESERVE_BYTES = 64 * 1024 * 1024;
/** How much of the journal a failing wait repeats. */
const JOURNAL_LINES_SHOWN = 40;

/** What a daemon is started with. */
export interface DaemonOptions {
  engine: Pick<PrivateEngine, 'dockerHost' | 'docker'>;
  /** Path of the compose file that is copied into the folder; default: the shipped one for a CPU. */
  composeFile?: string;
  /** The compose file as text, instead. */
  composeText?: string;
  /** Lines of `.env`, beside those of {@link defaultVariables}, which they may replace; null leaves one out. */
  variables?: Record<string, string | null>;
  /** The daemon's own environment, beside and instead of what the harness sets. */
  environment?: Record<string, string>;
  /** Address of the model hub; default: a port that nobody listens on. */
  hubUrl?: string;
  /** Default: the name of the folder. */
  projectName?: string;
  /** A command that the daemon is started through, for example `setpriv …`; it must become the daemon (exec). */
  through?: string[];
  /** The daemon's program; default: this checkout's src/main.ts. */
  program?: string;
  /** Called when the folder is there and before the daemon starts. */
  prepare?(folder: string): Promise<void>;
  /** The daemon is expected to end by itself: do not wait until it answers. */
  mayEnd?: boolean;
}

/** How a process has ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A real daemon, a process of its own, with all its files in one temporary folder. */
export interface RunningDaemon {
  readonly folder: string;
  readonly port: number;
  readonly project: string;
  /** Where the api and the page are published, on 127.0.0.1. */
  readonly apiPort: number;
  readonly uiPort: number;
  readonly composePath: string;
  readonly environmentPath: string;
  readonly pid: number;
  /** Settles when the present process has ended. */
  readonly ended: Promise<Ended>;
  status(): Promise<Status>;
  readyz(): Promise<{ status: number; body: string }>;
  motd(): Promise<string>;
  /** Text of `deployment.log` or `model-download.log`; '' while it is not there. */
  logFile(name: string): Promise<string>;
  /** Everything that all processes of this daemon have written to stdout and stderr. */
  journal(): string;
  /** Runs the `ai-sandbox` command against it. */
  cli(args: string[], options?: { timeoutMs?: number }): Promise<CommandResult>;
  /** Waits until the status fits; throws after `limitMs` with what was seen last. Unanswered questions are asked again. */
  waitFor(fits: (status: Status) => boolean, what: string, limitMs: number): Promise<Status>;
  kill(signal: NodeJS.Signals): void;
  /** A new process over the same folder; the old one is ended (SIGTERM) where it still runs. */
  restart(environment?: Record<string, string>): Promise<void>;
  /** SIGTERM; resolves when the process has ended. */
  stop(): Promise<Ended>;
  /** Ends the daemon; removes containers, networks and volumes of its project, and the folder. Also for `await using`. */
  cleanup(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a daemon; resolves when it answers `/livez`, throws with its journal when it ends before. */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const folder = await mkdtemp(join(tmpdir(), 'ai-sandbox-daemon-'));
  const project = options.projectName ?? basename(folder).toLowerCase();
  const [port, apiPort, uiPort] = [await freePort(), await freePort(), await freePort()];
  const composePath = join(folder, 'docker-compose.yml');
  const environmentPath = join(folder, '.env');
  await mkdir(join(folder, 'logs'));
  await mkdir(join(folder, 'state'));
  const composeText =
    options.composeText ?? (await readFile(options.composeFile ?? cpuTemplate, { encoding: 'utf8' }));
  await writeFile(composePath, composeText);
  const variables = { ...defaultVariables(folder, project, apiPort, uiPort), ...options.variables };
  await writeFile(environmentPath, environmentText(variables), { mode: 0o600 });
  await options.prepare?.(folder);

  let environment: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    AI_SANDBOX_COMPOSE_FILE: composePath,
    AI_SANDBOX_LISTEN: `127.0.0.1:${port}`,
    AI_SANDBOX_SOCKET: join(folder, 'control.sock'),
    AI_SANDBOX_STATE_DIR: join(folder, 'state'),
    AI_SANDBOX_LOG_DIR: join(folder, 'logs'),
    AI_SANDBOX_MOTD_FILE: join(folder, 'motd'),
    AI_SANDBOX_HF_TOKEN_FILE: join(folder, 'hf-token'),
    AI_SANDBOX_DISK_RESERVE_BYTES: String(DISK_RESERVE_BYTES),
    AI_SANDBOX_METADATA_URL: `http://127.0.0.1:${await freePort()}`,
    DOCKER_HOST: options.engine.dockerHost,
    HF_ENDPOINT: options.hubUrl ?? `http://127.0.0.1:${await freePort()}`,
    ...options.environment,
  };
  const said: string[] = [];
  const journal = () => said.join('');
  let current: { child: ChildProcess; ended: Promise<Ended> };

  const begin = async (): Promise<void> => {
    const program = options.program ?? join(repository, 'src/main.ts');
    const [file = '', ...args] = [...(options.through ?? []), process.execPath, program];
    const child = spawn(file, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const killWithTest = () => child.kill('SIGKILL');
    process.once('exit', killWithTest);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => said.push(text));
    }
    const ended = once(child, 'close').then(([code, signal]): Ended => {
      process.removeListener('exit', killWithTest);
      return { code, signal };
    });
    current = { child, ended };
    if (options.mayEnd !== true) await untilListening(child);
  };

  const untilListening = async (child: ChildProcess): Promise<void> => {
    const until = performance.now() + LISTEN_DEADLINE_MS;
    while (performance.now() < until && child.exitCode === null && child.signalCode === null) {
      const answer = await ask('/livez').catch(() => null);
      if (answer !== null) return;
      await sleep(20);
    }
    throw new Error(`the daemon does not answer (exit code ${child.exitCode}); it said:\n${journal()}`);
  };

  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
    });
    return { status: answer.status, body: await answer.text() };
  };

  const stop = async (): Promise<Ended> => {
    const { child, ended } = current;
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    return ended;
  };

  const daemon: RunningDaemon = {
    folder,
    port,
    project,
    apiPort,
    uiPort,
    composePath,
    environmentPath,
    get pid() {
      return current.child.pid ?? 0;
    },
    get ended() {
      return current.ended;
    },
    status: async () => JSON.parse((await ask('/status')).body) as Status,
    readyz: () => ask('/readyz'),
    motd: () => readFile(join(folder, 'motd'), { encoding: 'utf8' }),
    logFile: (name) => readFile(join(folder, 'logs', name), { encoding: 'utf8' }).catch(() => ''),
    journal,
    cli: (args, { timeoutMs = 60_000 } = {}) => runCli(args, folder, environment, timeoutMs),
    async waitFor(fits, what, limitMs) {
      const until = performance.now() + limitMs;
      let last: Status | null = null;
      let failure = '';
      while (performance.now() < until) {
        try {
          last = await daemon.status();
          if (fits(last)) return last;
        } catch (error) {
          failure = String(error);
        }
        await sleep(LOOK_INTERVAL_MS);
      }
      const lines = journal().split('\n').slice(-JOURNAL_LINES_SHOWN).join('\n');
      throw new Error(
        `not within ${limitMs} ms: ${what}\n${failure}\n${JSON.stringify(last, null, 1)}\n${lines}`,
      );
    },
    kill(signal) {
      current.child.kill(signal);
    },
    async restart(changes = {}) {
      await stop();
      environment = { ...environment, ...changes };
      await begin();
    },
    stop,
    async cleanup() {
      current.child.kill('SIGKILL');
      await current.ended;
      await removeProject(options.engine, project);
      await rm(folder, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => daemon.cleanup(),
  };
  try {
    await begin();
  } catch (error) {
    await daemon.cleanup();
    throw error;
  }
  return daemon;
}

/** Values for the shipped compose files, so that nothing of another project or of this machine is touched. */
function defaultVariables(folder: string, project: string, apiPort: number, uiPort: number) {
  return {
    PROJECT: project,
    API_PORT: String(apiPort),
    UI_PORT: String(uiPort),
    MODELS_DIR: join(folder, 'models'),
    CHATS_DIR: join(folder, 'chats'),
    COMPILE_CACHE_DIR: join(folder, 'compile-cache'),
    API_SHM_SIZE: '64mb',
  };
}

function environmentText(variables: Record<string, string | null>): string {
  return Object.entries(variables)
    .flatMap(([name, value]) => (value === null ? [] : [`${name}='${value}'\n`]))
    .join('');
}

async function runCli(
  args: string[],
  folder: string,
  environment: Record<string, string>,
  timeoutMs: number,
): Promise<CommandResult> {
  const child = spawn(process.execPath, [join(repository, 'src/cli/main.ts'), ...args], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const [code] = await once(child, 'close');
  return { ...said, code: code ?? 128 };
}

/** Removes all containers, volumes and networks that carry the project's label. */
async function removeProject(engine: Pick<PrivateEngine, 'docker'>, project: string): Promise<void> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  const remove = async (list: string[], removal: string[]) => {
    const { stdout } = await engine.docker([...list, '-q', ...filter]);
    const ids = stdout.split('\n').filter((id) => id !== '');
    if (ids.length > 0) await engine.docker([...removal, ...ids]);
  };
  await remove(['ps', '-a', '--no-trunc'], ['rm', '-f', '-v']);
  await remove(['network', 'ls'], ['network', 'rm']);
  await remove(['volume', 'ls'], ['volume', 'rm', '-f']);
}
