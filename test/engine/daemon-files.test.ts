import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunningDaemon } from '../support/daemon.ts';
import {
  chat,
  containerRun,
  daemonStage,
  READY_LIMIT_MS,
  STAGE_MODEL,
  untilReady,
} from '../support/daemon-stage.ts';

/** A changed file counts after so long without another change. */
const QUIET_MS = 2_000;
/** Quiet, poll and a few calls of a busy engine. */
const NOTICED_LIMIT_MS = 30_000;
const TEST_LIMIT_MS = READY_LIMIT_MS + 60_000;
const template = await readFile(
  fileURLToPath(new URL('../../compose/docker-compose.cpu.yml', import.meta.url)),
  'utf8',
);

const stage = daemonStage('test-daemon');
let daemon: RunningDaemon;
let environmentText: string;

beforeAll(async () => {
  daemon = await stage.startReady();
  environmentText = await readFile(daemon.environmentPath, 'utf8');
}, TEST_LIMIT_MS);

/** The template with another variable in the environment of a service. */
function withVariable(text: string, service: 'api' | 'ui', line: string): string {
  const anchor = service === 'api' ? 'VLLM_NO_USAGE_STATS: "1"' : 'ENABLE_OLLAMA_API: "false"';
  return text.replace(anchor, `$&\n      ${line}`);
}

const runs = async () => ({
  api: await containerRun(stage, daemon, 'api'),
  ui: await containerRun(stage, daemon, 'ui'),
});

function untilProblem(code: string, limitMs = NOTICED_LIMIT_MS) {
  return daemon
    .waitFor(({ problems }) => problems.some((problem) => problem.code === code), code, limitMs)
    .then(({ problems }) => problems.find((problem) => problem.code === code)?.detail ?? '');
}

/** Waits until the journal has another line of this kind; its time. */
async function untilSaid(pattern: RegExp, from: number): Promise<Date> {
  const until = performance.now() + NOTICED_LIMIT_MS;
  while (performance.now() < until) {
    const line = daemon
      .journal()
      .slice(from)
      .split('\n')
      .find((each) => pattern.test(each));
    if (line !== undefined) return new Date(line.slice(0, line.indexOf(' ')));
    await sleep(50);
  }
  throw new Error(`never said ${pattern}:\n${daemon.journal().slice(from)}`);
}

describe('a changed compose file', { timeout: TEST_LIMIT_MS }, () => {
  it('is applied after two seconds of quiet, to the service that it changes, with the cause announced', async () => {
    const before = await runs();
    const from = daemon.journal().length;
    await writeFile(daemon.composePath, withVariable(template, 'ui', 'STAND_IN_STOP_SECONDS: "0.2"'));
    await sleep(1_000);
    await writeFile(daemon.composePath, withVariable(template, 'ui', 'STAND_IN_STOP_SECONDS: "0.3"'));
    const writtenAt = Date.now();
    const stoppedAt = await untilSaid(/stopContainer ui /, from);
    expect(stoppedAt.getTime() - writtenAt).toBeGreaterThanOrEqual(QUIET_MS - 50);
    await daemon.waitFor(
      ({ services: { ui } }) => ui?.ready === true && ui.container_id !== before.ui.id,
      'ui is ready in another container',
      READY_LIMIT_MS,
    );
    expect(daemon.journal().slice(from)).toMatch(/stopContainer ui .*: .*(changed|compose file)/);
    expect((await containerRun(stage, daemon, 'api')).startedAt).toBe(before.api.startedAt);
    const environment = await stage.engine.docker([
      'inspect',
      '-f',
      '{{.Config.Env}}',
      `${daemon.project}-ui`,
    ]);
    expect(environment.stdout).toContain('STAND_IN_STOP_SECONDS=0.3');
    expect((await daemon.status()).services['ui']).toMatchObject({ restarts: 0 });
  });

  it('makes the api anew with its compile cache kept, so that it skips compilation', async () => {
    const before = await runs();
    const first = await stage.engine.docker(['logs', before.api.id]);
    expect(first.stdout + first.stderr).not.toContain('Directly load the compiled graph');
    const changed = withVariable(template, 'api', 'STAND_IN_TOKEN_DELAY_MS: "1"');
    await writeFile(daemon.composePath, changed);
    await daemon.waitFor(
      ({ services: { api } }) => api?.ready === true && api.container_id !== before.api.id,
      'api is ready in another container',
      READY_LIMIT_MS,
    );
    const second = await stage.engine.docker(['logs', `${daemon.project}-api`]);
    expect(second.stdout + second.stderr).toContain('Directly load the compiled graph');
    expect((await chat(daemon)).status).toBe(200);
    await untilReady(daemon);
  });

  it('that gains a service starts it; one that loses it stops and removes it, and keeps its data', async () => {
    const current = await readFile(daemon.composePath, 'utf8');
    const added = current
      .replace(
        'services:\n',
        `services:\n  extra:\n    image: ${stage.images.ui}\n    entrypoint: ["node", "-e", "process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1000)"]\n    volumes: ["extra-data:/extra"]\n`,
      )
      .replace('\nnetworks:\n', '\nvolumes:\n  extra-data:\n\nnetworks:\n');
    await writeFile(daemon.composePath, added);
    await daemon.waitFor(
      ({ services }) => services['extra']?.started_at != null,
      'extra runs',
      READY_LIMIT_MS,
    );
    const volume = `${daemon.project}_extra-data`;
    expect((await stage.engine.docker(['volume', 'inspect', volume])).code).toBe(0);
    const id = (await daemon.status()).services['extra']?.container_id ?? '';
    await writeFile(daemon.composePath, current);
    await daemon.waitFor(({ services }) => !('extra' in services), 'extra is not shown', NOTICED_LIMIT_MS);
    await expect
      .poll(async () => (await stage.engine.docker(['inspect', id])).code, { timeout: NOTICED_LIMIT_MS })
      .not.toBe(0);
    expect((await stage.engine.docker(['volume', 'inspect', volume])).code).toBe(0);
    expect(await daemon.logFile('deployment.log')).toContain('extra: removed from the compose file');
  });
});

describe('an invalid file', { timeout: TEST_LIMIT_MS }, () => {
  let valid: string;
  beforeAll(async () => {
    await untilReady(daemon);
    valid = await readFile(daemon.composePath, 'utf8');
  }, TEST_LIMIT_MS);

  afterEach(async () => {
    await writeFile(daemon.composePath, valid);
    await writeFile(daemon.environmentPath, environmentText);
    await daemon.waitFor(({ problems }) => problems.length === 0, 'the problem is over', NOTICED_LIMIT_MS);
  }, NOTICED_LIMIT_MS + 10_000);

  const line = (text: string, part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

  it.each([
    {
      what: 'that is not YAML',
      broken: (text: string) => text.replace('  ui:\n', '  ui: [\n'),
      expected: (_text: string) => /:\d+:\d+/,
    },
    {
      what: 'with an unknown key',
      broken: (text: string) => text.replace('  ui:\n', '  ui:\n    imagee: x\n'),
      expected: (text: string) => new RegExp(`:${line(text, 'imagee')}:5 services\\.ui\\.imagee: `),
    },
    {
      what: 'with a variable that must be set and is not',
      broken: (text: string) => text.replace('${UI_OFFLINE_MODE:-false}', '${NOT_THERE:?set it to a word}'),
      expected: (text: string) =>
        new RegExp(
          `:${line(text, 'NOT_THERE')}:\\d+ services\\.ui\\.environment\\.OFFLINE_MODE: .*set it to a word`,
        ),
    },
  ])('$what is named by file, line and column, and what runs is kept', async ({ broken, expected }) => {
    const before = await runs();
    const text = broken(valid);
    expect(text).not.toBe(valid);
    await writeFile(daemon.composePath, text);
    const detail = await untilProblem('compose_file_invalid');
    expect(detail).toContain(daemon.composePath);
    expect(detail).toMatch(expected(text));
    expect(await daemon.motd()).toContain('ERROR: The compose file has an error');
    const check = await daemon.cli(['config', 'check']);
    expect(check).toMatchObject({ code: 4, stdout: expect.stringMatching(/docker-compose\.yml:\d+:\d+: /) });
    expect((await chat(daemon)).status).toBe(200);
    expect(await runs()).toEqual(before);
    expect((await daemon.status()).services['api']?.ready).toBe(true);
  });

  it('that is removed is named, and what runs is kept', async () => {
    const before = await runs();
    await rm(daemon.composePath);
    expect(await untilProblem('compose_file_missing')).toContain(daemon.composePath);
    expect(await runs()).toEqual(before);
  });

  it('that is broken while the daemon starts is named, and what runs is kept', async () => {
    const before = await runs();
    await daemon.stop();
    await writeFile(daemon.composePath, 'services: 5\n');
    await daemon.restart();
    expect(await untilProblem('compose_file_invalid')).toContain(':1:');
    expect(await daemon.logFile('deployment.log')).toContain('compose_file_invalid');
    await writeFile(daemon.composePath, valid);
    await daemon.waitFor(({ model }) => model.active_status, 'adopted', NOTICED_LIMIT_MS);
    expect(await runs()).toEqual(before);
  });

  it('.env with a model id that is none is named, and the model that runs is kept', async () => {
    const before = await runs();
    await writeFile(daemon.environmentPath, environmentText.replace(STAGE_MODEL, '../etc/passwd'));
    expect(await untilProblem('model_id_invalid')).toContain('../etc/passwd');
    await sleep(1_000);
    expect(await runs()).toEqual(before);
    expect((await chat(daemon)).status).toBe(200);
  });
});

describe('the state file', { timeout: TEST_LIMIT_MS }, () => {
  it.each([
    { what: 'cut off', damage: (path: string) => writeFile(path, '{"version": 1, "sec') },
    {
      what: 'of an unknown form',
      damage: (path: string) => writeFile(path, '{"version": 99, "sections": {}}'),
    },
  ])('$what is set aside and told, and the containers are adopted', async ({ damage }) => {
    await untilReady(daemon);
    const before = await runs();
    await daemon.stop();
    await damage(join(daemon.folder, 'state/state.json'));
    await daemon.restart();
    const detail = await untilProblem('state_file_corrupt');
    const copy = /the copy is (\S+)/.exec(detail)?.[1] ?? '';
    expect(copy).toContain('state.json.corrupt-');
    expect((await readFile(copy, 'utf8')).length).toBeGreaterThan(0);
    await untilReady(daemon);
    expect(await runs()).toEqual(before);
  });
});
