import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where the tests keep programs of others that they compare with; it outlives a run. */
const PEERS_DIRECTORY = '/var/tmp/ai-sandbox-peers';
/** A server stops a hanging client of ours; a hanging peer is stopped here. */
const PYTHON_TIMEOUT_MS = 30_000;

/** Installs the real Python client of the hub once, with pip's own settings, and returns its interpreter. */
export async function hubClientPython(): Promise<string> {
  const folder = join(PEERS_DIRECTORY, 'hub-client');
  const python = join(folder, 'bin', 'python');
  const usable = () => run(python, ['-c', 'import huggingface_hub']);
  const there = await access(python)
    .then(usable)
    .then(() => true)
    .catch(() => false);
  if (there) return python;
  await run('python3', ['-m', 'venv', '--clear', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', 'huggingface_hub']);
  await usable();
  return python;
}

/** Runs a Python program that prints one JSON value, away from the proxies and settings of this machine. */
export async function runPython(
  python: string,
  program: string,
  environment: Record<string, string>,
): Promise<unknown> {
  const { stdout } = await run(python, ['-c', program], {
    timeout: PYTHON_TIMEOUT_MS,
    env: {
      PATH: process.env['PATH'] ?? '',
      HF_HUB_DISABLE_PROGRESS_BARS: '1',
      HF_HUB_DISABLE_TELEMETRY: '1',
      ...environment,
    },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') as unknown;
}
