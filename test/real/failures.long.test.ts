import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { ServiceView, Status } from '../../src/status/schema.ts';
import { REQUEST_DEADLINE_MS } from '../contract/http.ts';
import { type Repository, repositoryFrom, repositoryFromFolder } from '../stand-ins/hub/repository.ts';
import { containerState, processId, realParts } from './parts.ts';
import { ask, isReady, realStage, START_LIMIT_MS } from './stage.ts';

/** Any single failure is over within so long, the engine's own load apart. */
const RECOVERY_LIMIT_MS = 120_000;
/** A hang is found within so long: the next probe, its deadline, and two more. */
const HANG_LIMIT_MS = 75_000;
const TEST_LIMIT_MS = 2 * START_LIMIT_MS;
/** The pace at which what only a person can mend is tried again. */
const SLOW_PACE_MS = 300_000;

/** A model with a context of today's longest. */
const LONG_MODEL = 'acme/tiny-llama-long';
const LONG_CONTEXT_TOKENS = 1_048_576;
const SHORT_MODEL = 'acme/tiny-llama-short';
/** 2,048 bytes a token: half of the long context fits. */
const KV_CACHE_GIB = 1;
/** vLLM with the small model has about 2.3 GiB; this is enough for its server and not for its engine beside it. */
const MEMORY_LIMIT = '1g';
/** It does not compile for a minute then. On a CPU the worker is a process of its own, as with several GPUs. */
const API_ARGUMENTS = '--enforce-eager';

const cpuTemplate = fileURLToPath(new URL('../../compose/docker-compose.cpu.yml', import.meta.url));

// A test of the real ones may take as long as two of its requests.
vi.setConfig({ testTimeout: 2 * REQUEST_DEADLINE_MS });

/** The shipped file without `auto`, which lets vLLM choose a context that fits; with more lines in the api service. */
async function wholeContextFile(more: string[] = []): Promise<string> {
  const text = await readFile(cpuTemplate, { encoding: 'utf8' });
  const lines = more.map((line) => `    ${line}\n`).join('');
  const changed = text.replace('      --max-model-len auto\n', '').replace('    shm_size:', `${lines}$&`);
  expect(changed).not.toContain('--max-model-len');
  return changed;
}

/** The small model under a name, with another context. */
async function modelWith(id: string, contextTokens: number): Promise<Repository> {
  const { modelFolder } = realParts();
  const small = await repositoryFromFolder(id, modelFolder);
  const config: unknown = JSON.parse(await readFile(join(modelFolder, 'config.json'), { encoding: 'utf8' }));
  const text = JSON.stringify({ ...Object(config), max_position_embeddings: contextTokens });
  return repositoryFrom(id, {
    ...Object.fromEntries(small.files.map(({ path, content }) => [path, content])),
    'config.json': { bytes: Buffer.from(text) },
  });
}

const stage = realStage(async () => ({
  models: [await modelWith(LONG_MODEL, LONG_CONTEXT_TOKENS), await modelWith(SHORT_MODEL, 2_048)],
  composeText: await wholeContextFile(),
  variables: { API_ARGUMENTS, CPU_KV_CACHE_GIB: String(KV_CACHE_GIB) },
}));
const figures: string[] = [];
afterAll(() => console.info(figures.join('\n')));

const api = (status: Status): ServiceView => {
  const view = status.services['api'];
  if (view === undefined) throw new Error('there is no api');
  return view;
};
const startedMs = (status: Status) => Date.parse(api(status).started_at ?? '');
/** Text of the login message without its line ends, since long lines are wrapped. */
const motd = async () => (await stage.daemon.motd()).replace(/\s+/g, ' ');

/** Context that vLLM serves, as it says itself. */
async function servedContext(model: string): Promise<unknown> {
  const { data } = await (await stage.client()).models.list();
  const served = data.find(({ id }) => id === model);
  return served !== undefined && 'max_model_len' in served ? served.max_model_len : null;
}

/** Waits until everything is ready in a run that began after `sinceMs`; fails where the new run began too late. */
async function backAfter(what: string, sinceMs: number): Promise<Status> {
  const status = await stage.daemon.waitFor(
    (now) => isReady(now) && startedMs(now) > sinceMs,
    `ready again: ${what}`,
    START_LIMIT_MS,
  );
  // The engine's times are whole seconds in a status.
  const gapMs = startedMs(status) - sinceMs;
  figures.push(
    `${(gapMs / 1000).toFixed(0).padStart(4)} s until the start that mended it, ` +
      `${((Date.now() - startedMs(status)) / 1000).toFixed(0).padStart(4)} s of loading: ${what}`,
  );
  expect(gapMs).toBeLessThanOrEqual(RECOVERY_LIMIT_MS);
  return status;
}

describe('a context that is longer than the KV cache', () => {
  it('is lowered to the estimate of vLLM itself, without a person, and shown', async () => {
    const status = await stage.daemon.status();
    const { overrides, restarts, last_exit: exit, problem } = api(status);
    const tokens = Number(overrides['--max-model-len']);
    // Half of it, less the one block that vLLM keeps.
    expect(tokens).toBeGreaterThan(0.49 * LONG_CONTEXT_TOKENS);
    expect(tokens).toBeLessThan(0.5 * LONG_CONTEXT_TOKENS);
    expect({ restarts, problem }).toEqual({ restarts: 1, problem: null });
    // The start that was made at once, before the log was read, gave way to the one that heals.
    expect(exit?.cause).toMatch(/^was stopped to be made anew: the context did not fit into the KV cache/);
    const failed = stage.looks.map((look) => api(look.status).last_exit).find((seen) => seen?.attempt === 1);
    expect(failed).toMatchObject({ exit_code: 1 });
    expect(failed?.cause).toContain('not asked for');
    expect(await stage.daemon.logFile('deployment.log')).toContain(
      `api: --max-model-len ${tokens} instead of`,
    );
    const gapMs = startedMs(status) - Date.parse(failed?.at ?? '');
    figures.push(`${(gapMs / 1000).toFixed(0).padStart(4)} s until the start with --max-model-len ${tokens}`);
    expect(gapMs).toBeLessThanOrEqual(RECOVERY_LIMIT_MS);
    expect(stage.daemon.journal()).toContain(`--max-model-len ${tokens}`);
    expect(await motd()).toContain('Deployment Complete');
    expect(await motd()).not.toContain('ERROR');
  });

  it('was never called failed on the way', () => {
    const states = new Set(stage.looks.map(({ status }) => api(status).service_status));
    expect([...states].sort()).toEqual(['running', 'starting', 'stopped']);
  });

  it('is served with the lower one: vLLM says so, and a chat is answered', async () => {
    const { overrides } = api(await stage.daemon.status());
    expect(await servedContext(LONG_MODEL)).toBe(Number(overrides['--max-model-len']));
    expect(await ask(stage, LONG_MODEL)).not.toBe('');
  });
});

describe('the worker of the engine', { timeout: TEST_LIMIT_MS }, () => {
  it('halted with SIGSTOP, is found though /health says 200; a chat is answered again', async () => {
    const status = await hangs('worker');
    expect(api(status).overrides).toHaveProperty('--max-model-len');
    expect(await ask(stage, LONG_MODEL)).not.toBe('');
  });

  it('killed with SIGKILL, is a death of the engine; a chat is answered again', async () => {
    await dies('worker');
    expect(await ask(stage, LONG_MODEL)).not.toBe('');
  });
});

describe('another model', { timeout: TEST_LIMIT_MS }, () => {
  it('gets the context of its own: what healed the last one is taken back', async () => {
    const path = stage.daemon.environmentPath;
    const text = await readFile(path, { encoding: 'utf8' });
    const changedMs = Date.now();
    await writeFile(path, text.replace(LONG_MODEL, SHORT_MODEL));
    const status = await backAfter('another model in .env', changedMs);
    expect(status.model.model_identifier).toBe(SHORT_MODEL);
    expect(api(status)).toMatchObject({ overrides: {}, problem: null });
    expect(stage.daemon.journal()).toMatch(/--max-model-len \d+ is taken back: the model has changed/);
    expect(await servedContext(SHORT_MODEL)).toBe(2_048);
    expect(await ask(stage, SHORT_MODEL)).not.toBe('');
  });
});

describe('the engine process', { timeout: TEST_LIMIT_MS }, () => {
  it('halted with SIGSTOP, is found though /health says 200; a chat is answered again', async () => {
    await hangs('engine');
    expect(await ask(stage, SHORT_MODEL)).not.toBe('');
  });

  it('killed with SIGKILL, leaves an exit code of 0, and is started again', async () => {
    const status = await dies('engine');
    expect(api(status).last_exit?.exit_code).toBe(0);
    expect(await ask(stage, SHORT_MODEL)).not.toBe('');
  });
});

describe('a memory limit that kills vLLM while it loads', { timeout: TEST_LIMIT_MS }, () => {
  it('is named everywhere after two starts, and then tried again at the slow pace only', async () => {
    const before = api(await stage.daemon.status()).restarts;
    await writeFile(stage.daemon.composePath, await wholeContextFile([`mem_limit: ${MEMORY_LIMIT}`]));
    const status = await stage.daemon.waitFor(
      (now) => api(now).service_status === 'failed',
      'the want of memory is believed',
      START_LIMIT_MS,
    );
    const { restarts, problem, last_exit: exit, next_restart_at: next } = api(status);
    expect(restarts).toBe(before + 2);
    expect(problem).toMatchObject({ code: 'out_of_memory', class: 'host' });
    expect(exit).toMatchObject({ oom_killed: true, code: 'out_of_memory' });
    expect(exit?.cause).toContain('memory ran out');
    expect(Date.parse(next ?? '') - Date.parse(exit?.at ?? '')).toBeGreaterThan(SLOW_PACE_MS - 30_000);
    expect(status.problems.map(({ code }) => code)).toContain('out_of_memory');
    expect(status.model).toMatchObject({ active_status: false, configuration_state: 'error' });
    expect(await motd()).toContain('ERROR: The service was killed because the memory ran out');
    expect(await motd()).toContain('Give the container or the machine more memory');
    expect(stage.daemon.journal()).toContain('out_of_memory');
    figures.push(`exit code of the want of memory: ${exit?.exit_code}`);
  });

  it('is over when the limit is gone: a chat is answered, and nothing is a problem', async () => {
    const changedMs = Date.now();
    await writeFile(stage.daemon.composePath, await wholeContextFile());
    const status = await backAfter('the limit is gone', changedMs);
    expect(status.problems).toEqual([]);
    expect(await motd()).not.toContain('ERROR');
    expect(await ask(stage, SHORT_MODEL)).not.toBe('');
  });
});

/** Halts a process of vLLM: only a chat shows it. */
async function hangs(process_: 'engine' | 'worker'): Promise<Status> {
  const { address, id } = await containerState(stage.parts, stage.container('api'));
  const haltedMs = Date.now();
  process.kill(await processId(stage.parts, stage.container('api'), process_), 'SIGSTOP');
  expect((await fetch(`http://${address}:8000/health`)).status).toBe(200);
  const found = await stage.daemon.waitFor(
    (now) => api(now).last_exit?.code === 'not_responding',
    `the halted ${process_} is found`,
    HANG_LIMIT_MS,
  );
  figures.push(`${((Date.now() - haltedMs) / 1000).toFixed(0).padStart(4)} s until the hang was found`);
  expect(api(found).last_exit?.cause).toContain('answered no probe');
  expect(found.model.active_status).toBe(false);
  const status = await backAfter(`${process_} halted`, haltedMs);
  expect(api(status)).toMatchObject({ container_id: id, problem: null });
  return status;
}

/** Kills a process of vLLM, which then ends by itself. */
async function dies(process_: 'engine' | 'worker'): Promise<Status> {
  const before = api(await stage.daemon.status());
  const killedMs = Date.now();
  process.kill(await processId(stage.parts, stage.container('api'), process_), 'SIGKILL');
  const status = await backAfter(`${process_} killed`, killedMs);
  const { restarts, container_id, last_exit: exit, problem } = api(status);
  expect({ restarts, container_id, problem }).toEqual({
    restarts: before.restarts + 1,
    container_id: before.container_id,
    problem: null,
  });
  expect(exit).toMatchObject({ code: 'engine_dead', oom_killed: false });
  expect(exit?.cause).toContain('not asked for');
  return status;
}
