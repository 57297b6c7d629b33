import { type CommandResult, engineAt, type PrivateEngine } from '../support/engine.ts';

/** Process titles of vLLM's engine and of its worker, where it has one, cut to what `ps` shows of them. */
const TITLES = { engine: /^VLLM::EngineCor/, worker: /^VLLM::Worker/ } as const;

/** What `./scripts/test real` has prepared. */
export interface RealParts {
  engine: Pick<PrivateEngine, 'socketPath' | 'dockerHost' | 'docker'>;
  images: { api: string; ui: string };
  /** Folder with the files of a real chat model. */
  modelFolder: string;
}

/** The engine, the images and the model; throws where nobody has prepared them. */
export function realParts(): RealParts {
  const setting = (name: string): string => {
    const value = process.env[`AI_SANDBOX_TEST_${name}`];
    if (value === undefined) throw new Error(`run these tests with ./scripts/test real (no ${name})`);
    return value;
  };
  return {
    engine: engineAt(setting('SOCKET')),
    images: { api: setting('API_IMAGE'), ui: setting('UI_IMAGE') },
    modelFolder: setting('MODEL_DIR'),
  };
}

/** One container as the engine shows it. */
export interface ContainerState {
  id: string;
  startedAt: string;
  running: boolean;
  /** Host process id of its main process; 0 while it does not run. */
  pid: number;
  /** Its address on its network. */
  address: string;
}

/** Asks the engine for a container; throws where it has none of this name. */
export async function containerState(parts: RealParts, name: string): Promise<ContainerState> {
  const state = '{{.Id}} {{.State.StartedAt}} {{.State.Running}} {{.State.Pid}}';
  const format = `${state} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}`;
  const { stdout } = await mustDocker(parts, ['inspect', '-f', format, name]);
  const [id = '', startedAt = '', running = '', pid = '', address = ''] = stdout.trim().split(' ');
  return { id, startedAt, running: running === 'true', pid: Number(pid), address };
}

/** Host process id of the engine process inside a container of vLLM. */
export const enginePid = (parts: RealParts, name: string): Promise<number> =>
  processId(parts, name, 'engine');

/** Host process id of one process inside a container of vLLM. */
export async function processId(
  parts: RealParts,
  name: string,
  process: keyof typeof TITLES,
): Promise<number> {
  const { stdout } = await mustDocker(parts, ['top', name, '-eo', 'pid,args']);
  const rows = stdout.split('\n').map((row) => row.trim().split(/\s+/));
  const found = rows.find(([, title = '']) => TITLES[process].test(title));
  if (found === undefined) throw new Error(`no process with the title of the ${process}:\n${stdout}`);
  return Number(found[0]);
}

/** Standard output and error of a container, in one text. */
export async function containerLog(parts: RealParts, name: string): Promise<string> {
  const { stdout, stderr } = await mustDocker(parts, ['logs', name]);
  return stdout + stderr;
}

/** Runs the Docker client; throws when it fails. */
export async function mustDocker(parts: RealParts, args: string[]): Promise<CommandResult> {
  const result = await parts.engine.docker(args, { timeoutMs: 120_000 });
  if (result.code !== 0) throw new Error(`docker ${args.join(' ')}: ${result.stderr}`);
  return result;
}
