import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildStandIns } from '../images/build-stand-ins.ts';
import { type PrivateEngine, privateEngine } from '../support/engine.ts';

const DEMO = fileURLToPath(new URL('../../scripts/demo', import.meta.url));
/** Where the demo keeps everything of its own, and what its containers and network are called. */
const HOME = '/var/tmp/ai-sandbox/demo';
const PROJECT = 'ai-sandbox-demo';

/** A minute on a quiet machine; two demos never run at once, but other tests do. */
const DEMO_LIMIT_MS = 180_000;
const PREPARE_LIMIT_MS = 180_000;

let engine: PrivateEngine;
let folder: string;

beforeAll(async () => {
  engine = await privateEngine('test-demo');
  await buildStandIns({ dockerHost: engine.dockerHost });
  folder = await mkdtemp(join(tmpdir(), 'ai-sandbox-demo-test-'));
  await writeFile(join(folder, 'hf-token'), 'hf_ofAnInstalledDaemon\n', { mode: 0o600 });
}, PREPARE_LIMIT_MS);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts the demo as a person would whose shell is full of the settings of an installed daemon. */
function startDemo() {
  const child = spawn(DEMO, ['--stand-ins', '--once'], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      DOCKER_HOST: engine.dockerHost,
      AI_SANDBOX_HF_TOKEN_FILE: join(folder, 'hf-token'),
      AI_SANDBOX_CONSOLE: join(folder, 'console'),
      AI_SANDBOX_CREDENTIALS_USER: 'root',
      MODEL_ID: 'org/of-an-installed-daemon',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // a group of its own, as at a terminal: Ctrl-C reaches all of it
    detached: true,
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { pid: child.pid ?? 0, words: () => said.join(''), ended };
}

/** Environment and command line of every process of the demo, by its number. */
async function processes(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const parts = ['environ', 'cmdline'].map((part) =>
      readFile(`/proc/${pid}/${part}`, 'utf8').catch(() => ''),
    );
    const text = (await Promise.all(parts)).join('\0');
    if (text.includes(`${HOME}/`)) found.set(pid, text);
  }
  return found;
}

async function expectNothingLeft(): Promise<void> {
  const list = async (args: string[]) => (await engine.docker(args)).stdout;
  expect(await list(['ps', '-aq', '--filter', `label=com.docker.compose.project=${PROJECT}`])).toBe('');
  expect(await list(['network', 'ls', '-q', '--filter', `name=${PROJECT}`])).toBe('');
  await vi.waitFor(async () => expect([...(await processes()).keys()]).toEqual([]), { timeout: 5_000 });
  await expect(access(HOME)).rejects.toThrow('ENOENT');
  expect(await readdir(folder)).not.toContain('console');
}

describe('scripts/demo --stand-ins', { timeout: DEMO_LIMIT_MS }, () => {
  it('shows the way to ready, two chats and a return after a kill; then nothing is left', async () => {
    const demo = startDemo();
    const daemon = await vi.waitFor(
      async () => {
        const found = [...(await processes()).values()].find((text) => text.includes('\0src/main.ts'));
        expect(found, demo.words()).toBeDefined();
        return found ?? '';
      },
      { timeout: DEMO_LIMIT_MS, interval: 100 },
    );
    expect(daemon).toContain(`AI_SANDBOX_HF_TOKEN_FILE=${HOME}/hf-token`);
    expect(daemon).not.toContain(folder.concat('/hf-token'));
    expect(daemon).not.toContain('of-an-installed-daemon');
    expect(await demo.ended, demo.words()).toBe(0);
    const words = demo.words();
    for (const heading of [
      'STAND-INS: the two containers only behave like vLLM and Open WebUI',
      '== on the way to ready',
      "after the daemon's start",
      '== the login message',
      'Deployment Complete',
      '== a streamed chat through the API with ai-sandbox-demo/stand-in',
      'models on the page: ai-sandbox-demo/stand-in',
      '== docker kill ai-sandbox-demo-ui',
      'the demonstration took',
    ])
      expect(words).toContain(heading);
    expect(words).toMatch(/\(\d+ pieces in \d+\.\d s\)/);
    expect(words).toMatch(/back and ready after \d+\.\d s; the record says: .*kill/);
    expect(words).not.toMatch(/the demo failed|problem:|another demo/);
    await expectNothingLeft();
  });

  it('leaves nothing when it is ended by Ctrl-C on the way', async () => {
    const demo = startDemo();
    await vi.waitFor(() => expect(demo.words()).toContain('== on the way to ready'), {
      timeout: DEMO_LIMIT_MS,
      interval: 100,
    });
    process.kill(-demo.pid, 'SIGINT');
    expect(await demo.ended, demo.words()).toBe(130);
    expect(demo.words()).toContain('cleaning up');
    await expectNothingLeft();
  });
});
