import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where the tests keep programs of others that they compare with; it outlives a run. */
const PEERS_DIRECTORY = '/var/tmp/ai-sandbox-peers';
/** A server stops a hanging client of ours; a hanging peer is stopped here. */
const PYTHON_TIMEOUT_MS = 30_000;

/** Makes the environment `$1` unless it is there and works; a test file that comes meanwhile waits. */
const INSTALL = `set -e
mkdir -p "$1"
exec 9>"$1.lock"
flock 9
python=$1/bin/python
if "$python" -c 'import huggingface_hub' 2>/dev/null; then exit; fi
python3 -m venv --clear "$1"
"$python" -m pip install --quiet huggingface_hub
"$python" -c 'import huggingface_hub'`;

/** How long {@link hubClientPython} may take where nothing is there yet. */
export const HUB_CLIENT_LIMIT_MS = 180_000;

/** Installs the real Python client of the hub once, with pip's own settings, and returns its interpreter. */
export async function hubClientPython(): Promise<string> {
  const folder = join(PEERS_DIRECTORY, 'hub-client');
  await run('bash', ['-c', INSTALL, 'install', folder], { timeout: HUB_CLIENT_LIMIT_MS });
  return join(folder, 'bin', 'python');
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
