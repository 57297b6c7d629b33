import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHub } from '../../stand-ins/hub/hub.ts';
import { repositoryFromFolder } from '../../stand-ins/hub/repository.ts';
import type { Case, ContainerRun, Lab } from './case.ts';

/** What a provoked fault left. */
export interface Captured {
  log: string;
  /** Null: it was running. */
  exitCode: number | null;
  oomKilled: boolean;
  engineError: string | null;
}

/** The id under which a stand-in hub serves the model. */
export const HUB_MODEL = 'acme/tiny-chat';
const DEFAULT_LIMIT_SECONDS = 240;
/** The last words of a start that has succeeded, of either program. */
const SERVING = /Scheduler worker started|Application startup complete/;
/** Two runs at once do not get into each other's way; scrub.ts takes the number out again. */
const CONTAINER = `ai-sandbox-capture-${process.pid}`;
/** Weight of the CPU of a container, of the usual 1024: a capture gives way to everything else. */
const CPU_SHARES = '256';

function docker(args: string[], limitSeconds = 120): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = { timeout: limitSeconds * 1000, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile('docker', args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (child.exitCode ?? 1), output: `${stdout}${stderr}` });
    });
  });
}

/** Runs one case from nothing to a log, and leaves nothing behind. */
export async function provoke(one: Case, images: Lab['images'], modelFolder: string): Promise<Captured> {
  const folder = await mkdtemp(join(tmpdir(), 'capture-'));
  const lab: Lab = {
    folder,
    container: CONTAINER,
    images,
    modelFolder,
    docker,
    sleep: (ms) => sleep(ms),
    async python(image, program) {
      const run = ['run', '--rm', '--network', 'none', '--entrypoint', 'python3', '-v', `${folder}:/folder`];
      const { code, output } = await docker([...run, images[image], '-c', program]);
      if (code !== 0) throw new Error(`${one.name}: ${output}`);
    },
  };
  try {
    await docker(['rm', '-f', '-v', CONTAINER]);
    if ('command' in one.run) {
      const { output } = await docker(await one.run.command(lab));
      return { log: output, exitCode: null, oomKilled: false, engineError: null };
    }
    return await runContainer(one.run, lab);
  } finally {
    await docker(['rm', '-f', '-v', CONTAINER, `${CONTAINER}-first`, `${CONTAINER}-lock`]);
    await docker(['network', 'rm', `${CONTAINER}-first`, `${CONTAINER}-second`]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function runContainer(run: ContainerRun, lab: Lab): Promise<Captured> {
  if (run.image === 'api') await cp(lab.modelFolder, lab.folder, { recursive: true });
  await run.prepare?.(lab);
  const hub =
    run.hub === undefined
      ? null
      : await startHub({
          models: [await repositoryFromFolder(HUB_MODEL, lab.modelFolder)],
          ...run.hub.options?.(HUB_MODEL),
        });
  if (hub !== null) run.hub?.faults?.(hub.faults);
  try {
    const created = await lab.docker(createArguments(run, lab, hub?.url ?? null));
    if (created.code !== 0) throw new Error(created.output);
    const started = await lab.docker(['start', lab.container]);
    if (started.code !== 0) return await capture(lab, started.output.trim());
    await follow(run, lab);
    return await capture(lab, null);
  } finally {
    await hub?.close();
  }
}

function createArguments(run: ContainerRun, lab: Lab, hub: string | null): string[] {
  const environment = {
    ...(run.image === 'api' ? API_ENVIRONMENT : UI_ENVIRONMENT),
    ...(hub === null ? {} : { HF_ENDPOINT: hub, HF_HUB_OFFLINE: '0' }),
    ...run.environment,
  };
  const target = run.image === 'api' ? '/model' : '/app/backend/data';
  const options = (run.docker ?? []).map((option) => option.replaceAll('{folder}', lab.folder));
  const given = (name: string) => options.some((option) => option === name || option.startsWith(`${name}=`));
  return [
    ...['create', '--name', lab.container, '--cpu-shares', CPU_SHARES],
    ...(options.some((option) => option.includes(`:${target}`) || option.startsWith(`${target}:`))
      ? []
      : ['-v', `${lab.folder}:${target}`]),
    ...(given('--shm-size') ? [] : ['--shm-size', '1g']),
    ...(given('--network') ? [] : hub === null ? ['--network', 'none'] : ['--network', 'host']),
    ...(given('--network') || hub !== null ? [] : ['--hostname', run.image]),
    ...Object.entries(environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    ...options,
    lab.images[run.image],
    ...(run.args ?? (run.image === 'api' ? API_ARGUMENTS : [])),
  ];
}

const API_ENVIRONMENT = {
  HF_HUB_OFFLINE: '1',
  VLLM_CPU_KVCACHE_SPACE: '1',
  VLLM_NO_USAGE_STATS: '1',
};

/** A start of the model in the case's folder that works; the options come from the shipped compose file. */
export const API_ARGUMENTS = [
  ...['/model', '--served-model-name', HUB_MODEL, '--host', '127.0.0.1', '--max-model-len', '2048'],
  ...['--dtype', 'bfloat16', '--enforce-eager'],
];

const UI_ENVIRONMENT = {
  WEBUI_SECRET_KEY: 'not-a-secret-for-captures',
  OFFLINE_MODE: 'true',
  HF_HUB_OFFLINE: '1',
  ENABLE_OLLAMA_API: 'false',
  OPENAI_API_BASE_URL: 'http://127.0.0.1:8000/v1',
  OPENAI_API_KEY: 'none',
  ENABLE_VERSION_UPDATE_CHECK: 'false',
};

/** Waits until the container has ended, or the line came and what follows it was done. */
async function follow(run: ContainerRun, lab: Lab): Promise<void> {
  const deadline = Date.now() + (run.limitSeconds ?? DEFAULT_LIMIT_SECONDS) * 1000;
  let acted = false;
  while (Date.now() < deadline) {
    const state = await lab.docker(['inspect', '-f', '{{.State.Running}}', lab.container]);
    if (state.output.trim() !== 'true') return;
    if (!acted) {
      const { output } = await lab.docker(['logs', lab.container]);
      // A fault that does not keep it from serving: there is nothing to wait for.
      if (run.once === undefined && SERVING.test(output)) return;
      if (run.once?.line.test(output) === true) {
        acted = true;
        if ((await run.once.act(lab)) === 'running') return;
      }
    }
    await lab.sleep(1000);
  }
}

async function capture(lab: Lab, engineError: string | null): Promise<Captured> {
  const format = '{{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}';
  const { output } = await lab.docker(['inspect', '-f', format, lab.container]);
  const [running, exitCode, oomKilled] = output.trim().split(' ');
  const log = await logOf(lab);
  return {
    log,
    exitCode: running === 'true' ? null : Number(exitCode),
    oomKilled: oomKilled === 'true',
    engineError,
  };
}

/** Both streams in the order in which they were written: into one descriptor. */
function logOf(lab: Lab): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 64 * 1024 * 1024 };
    execFile('sh', ['-c', 'docker logs "$1" 2>&1', 'sh', lab.container], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
}
