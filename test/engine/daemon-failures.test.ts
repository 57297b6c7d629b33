import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServiceView, Status } from '../../src/status/schema.ts';
import { ask } from '../contract/http.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { chat, containerRun, daemonStage, READY_LIMIT_MS } from '../support/daemon-stage.ts';
import { toldWhile } from '../support/told.ts';

/** The promise: back within this time and the load of the engine, where that is possible. */
const RECOVERY_LIMIT_MS = 120_000 + READY_LIMIT_MS;
const TEST_LIMIT_MS = RECOVERY_LIMIT_MS + READY_LIMIT_MS;
/** Seconds that the stand-in loads: the pace of a restart must not hide behind the load. */
const LOAD = 'STAND_IN_LOAD_SECONDS: "0.4"';
/** A safetensors file begins with the length of its header in 8 bytes. */
const HEADER_AT = 8;
const cpuTemplate = fileURLToPath(new URL('../../compose/docker-compose.cpu.yml', import.meta.url));

const stage = daemonStage('test-failures');
const daemons: RunningDaemon[] = [];
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.cleanup();
});

/** The shipped file with more lines in the environment of the api, and the lines of the api service replaced. */
async function fileWith(environment: string[], replace: [string, string][] = []): Promise<string> {
  const lines = [LOAD, ...environment].map((line) => `\n      ${line}`).join('');
  const text = (await readFile(cpuTemplate, 'utf8')).replace('VLLM_NO_USAGE_STATS: "1"', `$&${lines}`);
  return replace.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the file does not say ${from}`);
    return changed.replace(from, to);
  }, text);
}

async function start(composeText: string): Promise<RunningDaemon> {
  const daemon = await stage.start({ composeText });
  daemons.push(daemon);
  return daemon;
}

const api = (status: Status): ServiceView => {
  const view = status.services['api'];
  if (view === undefined) throw new Error('there is no api');
  return view;
};
const until = (daemon: RunningDaemon, fits: (view: ServiceView, status: Status) => boolean, what: string) =>
  daemon.waitFor((status) => fits(api(status), status), what, RECOVERY_LIMIT_MS);
const untilServing = (daemon: RunningDaemon) => until(daemon, (view) => view.ready, 'the api serves');
const untilFailed = (daemon: RunningDaemon) =>
  until(daemon, (view) => view.service_status === 'failed', 'the api is failed');
/** Text of the login message without its line ends, since long lines are wrapped. */
const motdOf = async (daemon: RunningDaemon) => (await daemon.motd()).replace(/\s+/g, ' ');

describe('a context that does not fit into the KV cache', { timeout: TEST_LIMIT_MS }, () => {
  const small = ['STAND_IN_FAIL: kv_small', 'STAND_IN_FITTING_TOKENS: "1024"'];
  const flag = (length: string): [string, string] => ['--max-model-len auto', `--max-model-len ${length}`];

  it('is lowered to the estimate of the message, then the api serves, and the override is shown', async () => {
    const daemon = await start(await fileWith(small, [flag('2048')]));
    const { result: status, told } = await toldWhile(daemon, 'api', untilServing(daemon));
    // What heals itself asks nobody for a hand: the exit is told with its cause, the flag with its reason, and no problem stands.
    expect(Object.keys(told.problems).filter((code) => code !== 'container_exited')).toEqual([]);
    // The second start was under way, as a rule, when the log of the first had been read.
    expect(api(status).last_exit?.cause).toMatch(
      /made anew: the context did not fit into the KV cache; 1024 tokens do|: The context of the model needs more GPU memory than is left/,
    );
    expect(await daemon.logFile('deployment.log')).toMatch(
      /api: ended: [^\n]*not asked for[\s\S]*--max-model-len 1024/,
    );
    expect((await daemon.cli(['status'])).stdout).toMatch(/--max-model-len[ =]1024/);
    expect(api(status)).toMatchObject({ overrides: { '--max-model-len': '1024' }, problem: null });
    expect((await chat(daemon)).status).toBe(200);
    expect(daemon.journal()).toContain('--max-model-len 1024');
    expect(await motdOf(daemon)).not.toContain('ERROR');

    // a user's own edit wins
    await writeFile(daemon.composePath, await fileWith(small, [flag('512')]));
    const before = api(status).container_id;
    const edited = await until(
      daemon,
      (view) => view.ready && view.container_id !== before && Object.keys(view.overrides).length === 0,
      'the own value is in force',
    );
    expect(edited.problems.map(({ code }) => code)).not.toContain('kv_cache_too_small');
    const { id } = await containerRun(stage, daemon, 'api');
    const command = await stage.engine.docker(['inspect', '-f', '{{json .Config.Cmd}}', id]);
    expect(command.stdout).toContain('"--max-model-len","512"');
  });

  it('stays lowered across a restart of the daemon, without another start of the api', async () => {
    const daemon = await start(await fileWith(small, [flag('2048')]));
    await untilServing(daemon);
    const before = await containerRun(stage, daemon, 'api');
    daemon.kill('SIGKILL');
    await daemon.restart();
    const status = await untilServing(daemon);
    expect(api(status).overrides).toEqual({ '--max-model-len': '1024' });
    expect(await containerRun(stage, daemon, 'api')).toEqual(before);
  });
});

/** Waits for the second failure, which must not be taken for the end, and then for the service. */
async function healed(daemon: RunningDaemon): Promise<Status> {
  const waiting = await until(daemon, (view) => view.restarts === 2, 'the second failure');
  expect(api(waiting).service_status).not.toBe('failed');
  return untilServing(daemon);
}

describe('GPU memory that the old container has not given back', { timeout: TEST_LIMIT_MS }, () => {
  it('is waited for, then the api serves', async () => {
    const daemon = await start(await fileWith(['STAND_IN_FAIL: gpu_busy', 'STAND_IN_FAIL_STARTS: "2"']));
    const { result: status, told } = await toldWhile(daemon, 'api', healed(daemon));
    const title = 'The memory of the GPU is in use by another process';
    expect(told.problems['gpu_memory_busy']).toMatchObject({
      title,
      detail: expect.stringContaining('3.1'),
      remedy: expect.stringContaining('nvidia-smi'),
    });
    expect(told.motd['gpu_memory_busy']).toContain(`ERROR: ${title}`);
    expect(api(status)).toMatchObject({
      restarts: 2,
      problem: null,
      last_exit: { exit_code: 1, code: 'gpu_memory_busy' },
    });
    expect(await motdOf(daemon)).not.toContain('ERROR');
  });
});

describe('a file of the model that is damaged on the disk', { timeout: TEST_LIMIT_MS }, () => {
  it('is deleted and fetched again, then the api serves', async () => {
    const daemon = await start(await fileWith([]));
    await untilServing(daemon);
    const weights = join(
      daemon.folder,
      'models/hub/models--acme--tiny/snapshots',
      (await daemon.status()).model.revision ?? '',
      'model.safetensors',
    );
    const whole = await readFile(weights);
    const damaged = Buffer.from(whole);
    damaged.fill('?', HEADER_AT, HEADER_AT + 4);
    await writeFile(weights, damaged);
    await stage.engine.docker(['kill', `${daemon.project}-api`]);
    const mended = await until(
      daemon,
      (view) => view.ready && view.restarts > 1,
      'the api serves the mended model',
    );
    expect(api(mended)).toMatchObject({ problem: null });
    expect(await readFile(weights)).toEqual(whole);
    expect(daemon.journal()).toContain('damaged files of the model were deleted');
  });
});

describe('a cause that only a person can mend', { timeout: TEST_LIMIT_MS }, () => {
  it('is named with its remedy after two starts, and no third is made: a gated model', async () => {
    const daemon = await start(await fileWith(['STAND_IN_FAIL: gated']));
    const status = await untilFailed(daemon);
    expect(api(status)).toMatchObject({
      restarts: 2,
      next_restart_at: null,
      problem: { code: 'model_gated', class: 'fatal' },
      last_exit: { code: 'model_gated', exit_code: 1 },
    });
    const motd = await motdOf(daemon);
    expect(motd).toContain('ERROR: The model may only be fetched after its terms are accepted');
    expect(motd).toContain('What to do');
    expect(daemon.journal()).toContain('model_gated');
    const again = await daemon.cli(['restart', 'api']);
    expect(again.code).toBe(0);
    const retried = await until(daemon, (view) => view.restarts > 2, 'it is tried again on demand');
    expect(api(retried).restarts).toBeGreaterThan(2);
  });

  it('is named for a flag that the image does not know, which ends with exit code 2', async () => {
    const wrong: [string, string] = ['--max-model-len auto', '--max-model-lenght 2048'];
    const daemon = await start(await fileWith([], [wrong]));
    const status = await untilFailed(daemon);
    expect(api(status)).toMatchObject({
      problem: { code: 'argument_invalid' },
      last_exit: { exit_code: 2 },
    });
    expect(api(status).problem?.detail).toContain('--max-model-lenght');
    expect(await motdOf(daemon)).toContain('--max-model-lenght');
  });

  it('is over when the file is corrected', async () => {
    const wrong: [string, string] = ['--max-model-len auto', '--max-model-lenght 2048'];
    const daemon = await start(await fileWith([], [wrong]));
    await untilFailed(daemon);
    await writeFile(daemon.composePath, await fileWith([]));
    expect(api(await untilServing(daemon))).toMatchObject({ problem: null });
  });
});

describe('a model without a chat template', { timeout: TEST_LIMIT_MS }, () => {
  it('is named by the first chat, though the engine is healthy, and its container is left alone', async () => {
    const daemon = await start(await fileWith(['STAND_IN_NO_CHAT_TEMPLATE: "1"']));
    const status = await untilFailed(daemon);
    expect(api(status)).toMatchObject({
      ready: false,
      restarts: 0,
      problem: {
        code: 'chat_template_missing',
        class: 'fatal',
        title: 'The model cannot chat: it has no chat template',
        detail: expect.stringContaining('you must provide a chat template'),
        remedy: expect.stringContaining('--chat-template'),
      },
    });
    const health = await ask(`http://127.0.0.1:${daemon.apiPort}/health`);
    expect(health.status).toBe(200);
    const motd = await motdOf(daemon);
    expect(motd).toContain('ERROR: The model cannot chat: it has no chat template');
    expect(motd).toContain('--chat-template');
    expect(daemon.journal()).toContain('chat_template_missing');
    expect((await daemon.readyz()).status).toBe(503);
  });
});

describe('a GPU that the engine does not have', { timeout: TEST_LIMIT_MS }, () => {
  it('is named in the words of the engine, with what to do about it', async () => {
    const gpu: [string, string] = ['    networks: [default]', '    gpus: all\n    networks: [default]'];
    const daemon = await start(await fileWith([], [gpu]));
    const status = await until(daemon, (view) => view.problem !== null, 'the refusal is a problem');
    expect(api(status)).toMatchObject({ ready: false, problem: { class: 'host' } });
    expect(api(status).problem?.code).toMatch(/^gpu_/);
    expect(await motdOf(daemon)).toMatch(/ERROR: .*GPU/);
  });
});

describe('memory that runs out', { timeout: TEST_LIMIT_MS }, () => {
  it('is named, the api comes back at once, and when it happens again the restarts slow down', async () => {
    const limit: [string, string] = [
      '    networks: [default]',
      '    mem_limit: 400m\n    networks: [default]',
    ];
    // With a cache that is set the limit would be refused before the start.
    const noCache: [string, string] = ['${CPU_KV_CACHE_GIB:-4}', '0'];
    const daemon = await start(await fileWith([], [limit, noCache]));
    const leak = () => ask(`http://127.0.0.1:${daemon.apiPort}/stand-in/leak/400000000`, { body: {} });
    await untilServing(daemon);
    await leak();
    const first = await until(
      daemon,
      (view) => view.ready && view.last_exit?.code !== undefined,
      'it is back with its cause',
    );
    expect(api(first)).toMatchObject({
      restarts: 1,
      problem: null,
      last_exit: { oom_killed: true, code: 'out_of_memory' },
    });
    await leak();
    const second = await untilFailed(daemon);
    expect(api(second)).toMatchObject({ restarts: 2, problem: { code: 'out_of_memory', class: 'host' } });
    expect(api(second).next_restart_at).not.toBeNull();
    expect(await motdOf(daemon)).toContain('the memory ran out');
  });
});
