import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Case } from './case.ts';
import { DOCKER_CASES } from './cases-docker.ts';
import { HUB_CASES } from './cases-hub.ts';
import { OPEN_WEBUI_CASES } from './cases-open-webui.ts';
import { VLLM_CASES } from './cases-vllm.ts';
import { type Captured, provoke } from './lab.ts';
import { scrub } from './scrub.ts';

/** Versions of the programs, as scripts/lib/real-images.sh makes them. */
const PROGRAMS: Record<Case['family'], string> = {
  vllm: 'vllm 0.32.0 (CPU)',
  hub: 'vllm 0.32.0 (CPU), huggingface_hub',
  'open-webui': 'open-webui 0.12.4',
  docker: 'docker',
  healthy: '',
};

const CASES: readonly Case[] = [...VLLM_CASES, ...HUB_CASES, ...OPEN_WEBUI_CASES, ...DOCKER_CASES];
const corpus = join(import.meta.dirname, '..');
const fileOf = (one: Case) => join(corpus, one.family, `captured-${one.name}.txt`);

function programOf(one: Case): string {
  if (one.family !== 'healthy') return PROGRAMS[one.family];
  return 'image' in one.run && one.run.image === 'ui' ? PROGRAMS['open-webui'] : PROGRAMS.vllm;
}

/** The head as test/unit/diagnosis/corpus.test.ts reads it; `state` are the lines about how the run ended. */
function head(one: Case, state: string[]): string {
  return [
    `expect: ${one.expect ?? 'none'}`,
    `program: ${programOf(one)}`,
    'origin: captured',
    ...state,
    `note: ${one.note}`,
    '--',
    '',
  ].join('\n');
}

function stateLines(captured: Captured): string[] {
  return [
    ...(captured.exitCode === null ? [] : [`exit-code: ${captured.exitCode}`]),
    ...(captured.oomKilled ? ['oom-killed: yes'] : []),
    ...(captured.engineError === null
      ? []
      : [`engine-error: ${scrub(captured.engineError).replace(/\s+/g, ' ')}`]),
  ];
}

async function relabel(one: Case): Promise<void> {
  const text = await readFile(fileOf(one), 'utf8').catch(() => null);
  if (text === null) return;
  const at = text.indexOf('\n--\n');
  const state = text
    .slice(0, at)
    .split('\n')
    .filter((line) => /^(exit-code|oom-killed|engine-error): /.test(line));
  await writeFile(fileOf(one), head(one, state) + text.slice(at + 4));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function setting(name: string): string {
  const value = process.env[`AI_SANDBOX_CAPTURE_${name}`];
  if (value === undefined) throw new Error('start it with test/corpus/capture');
  return value;
}

async function captureAll(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => CASES.every((one) => one.name !== name));
  if (unknown.length > 0) throw new Error(`no such case: ${unknown.join(', ')}; see --list`);
  const images = { api: setting('API_IMAGE'), ui: setting('UI_IMAGE') };
  for (const one of CASES) {
    if (names.length > 0 ? !names.includes(one.name) : await exists(fileOf(one))) continue;
    const started = Date.now();
    try {
      const captured = await provoke(one, images, setting('MODEL'));
      await mkdir(dirname(fileOf(one)), { recursive: true });
      await writeFile(fileOf(one), head(one, stateLines(captured)) + scrub(captured.log));
      const seconds = Math.round((Date.now() - started) / 1000);
      console.error(`${one.name}: ${stateLines(captured).join(', ') || 'running'} after ${seconds} s`);
    } catch (error) {
      console.error(`${one.name}: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === '--list') for (const one of CASES) console.log(`${one.family}/${one.name}: ${one.note}`);
else if (first === '--relabel') await Promise.all(CASES.map(relabel));
else await captureAll(first === undefined ? [] : [first, ...rest]);
