import { posix } from 'node:path';
import { findFlag } from './flags.ts';
import type { ServiceSpec } from './service-spec.ts';

/** Ports that the programs of our two services listen on where nothing else is said (vLLM, Open WebUI). */
const DEFAULT_PORTS: Readonly<Record<string, number>> = { api: 8000, ui: 8080 };

/** Port of any other service that names none. */
const OTHER_PORT = 80;

/** Programs that start another: what follows is no model, and a script of theirs is not read. */
const LAUNCHERS: ReadonlySet<string> = new Set([
  ...['sh', 'bash', 'dash', 'ash', 'zsh', 'env', 'exec', 'tini', 'dumb-init'],
  ...['python', 'python3', 'uv', 'nice', 'numactl'],
]);

/**
 * The name that `/v1/models` lists: `--served-model-name`, else `--model`, else the first word that is no flag,
 * after an optional `serve`. Null where the command names none, or names it in a script.
 */
export function servedModelName(service: Pick<ServiceSpec, 'command' | 'entrypoint'>): string | null {
  const command = service.command ?? [];
  return flagValue(command, '--served-model-name') ?? flagValue(command, '--model') ?? positional(command);
}

/** Value of `--flag value` or `--flag=value`, also as `--flag_name`; the last one counts. Null where it is not there. */
export function flagValue(command: readonly string[], flag: string): string | null {
  const place = findFlag(command, flag);
  if (place === null) return null;
  const value = place.inline ?? command[place.at + 1];
  return value === undefined || value === '' || value.startsWith('--') ? null : value;
}

/** vLLM's positional model stands first, before any flag; `vllm serve` may stand before it. */
function positional(command: readonly string[]): string | null {
  const serve = command.indexOf('serve');
  const served = serve === 0 || command[serve - 1] === 'vllm';
  const first = command[served ? serve + 1 : 0];
  if (first === undefined || first.startsWith('-') || /\s/.test(first)) return null;
  return !served && LAUNCHERS.has(posix.basename(first)) ? null : first;
}

/** Host directory that is bind-mounted at `target` in the container; null where there is none. */
export function hostMountSource(service: Pick<ServiceSpec, 'mounts'>, target: string): string | null {
  const mount = service.mounts.find((candidate) => candidate.target === target);
  return mount?.kind === 'bind' ? mount.source : null;
}

/**
 * Port the service listens on inside its container: `--port` of its command, or the page's `PORT`, else the target of its first
 * TCP port, published or only exposed, else what its program uses by itself.
 */
export function containerPort(
  service: Pick<ServiceSpec, 'name' | 'command' | 'ports' | 'expose' | 'environment'>,
): number {
  const said = portOf(
    flagValue(service.command ?? [], '--port') ??
      (service.name === 'ui' ? service.environment['PORT'] : undefined),
  );
  const published = service.ports.find((port) => port.protocol === 'tcp')?.target ?? null;
  const exposed = service.expose
    .map((text) => portOf(text.replace(/\/tcp$/, '')))
    .find((port) => port !== null);
  return said ?? published ?? exposed ?? DEFAULT_PORTS[service.name] ?? OTHER_PORT;
}

function portOf(text: string | null | undefined): number | null {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : null;
}
