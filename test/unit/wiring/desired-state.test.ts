import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createComposeSource } from '../../../src/compose/source.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { createDesiredState } from '../../../src/wiring/desired-state.ts';
import { createHastyClock } from '../../support/hasty-clock.ts';
import { SOON_MS } from '../../support/soon.ts';

/** The time between two looks passes in a tenth of a second. */
const HASTE = 50;

const MOUNTED = `services:
  api:
    image: engine
    command: \${MODEL_ID:?}
    environment: { VLLM_API_KEY: "\${VLLM_API_KEY:?}", OTHER_TOKEN: planted-in-the-file }
    volumes: [ ./models:/root/.cache/huggingface ]
`;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ai-sandbox-desired-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function setStage(pinnedModelId: string | null = null) {
  const file = join(folder, 'docker-compose.yml');
  const redactor = createRedactor();
  const log = silentLog;
  const clock = createHastyClock(HASTE);
  const states: { modelId: string | null; modelDirectory: string | null; services: string[] }[] = [];
  let changes = 0;
  const keeper = createDesiredState({
    source: createComposeSource({ file, environment: {}, pinnedModelId, clock, log }),
    composeFile: file,
    pinnedModelId,
    clock,
    log,
    redactor,
    onState: ({ project, modelId, modelDirectory }) =>
      states.push({ modelId, modelDirectory, services: project.services.map(({ name }) => name) }),
    onChange: () => {
      changes += 1;
    },
  });
  const reload = async (text: string) => {
    await writeFile(file, text);
    await keeper.reload();
  };
  return { file, keeper, reload, states, redactor, clock, changes: () => changes };
}

/** Has the form of an environment file, in a directory where not even root may make another one. */
const NOT_WRITABLE = '/sys/class/net/lo/uevent';

const keyIn = async (path: string) =>
  /VLLM_API_KEY=(\S+)/.exec(await readFile(path, 'utf8').catch(() => ''))?.[1];

describe('the desired state', () => {
  it('comes from the file, with secrets made beside it that nothing will repeat', async () => {
    const stage = setStage();
    await stage.reload(MOUNTED);
    expect(stage.states).toEqual([
      {
        modelId: 'mistralai/Mistral-7B-Instruct-v0.3',
        modelDirectory: join(folder, 'models'),
        services: ['api'],
      },
    ]);
    expect(stage.keeper.problems()).toEqual([]);
    expect((await stat(join(folder, '.env'))).mode & 0o777).toBe(0o600);
    const key = /VLLM_API_KEY=(\S+)/.exec(await readFile(join(folder, '.env'), 'utf8'))?.[1] ?? '';
    expect(key.length).toBeGreaterThan(20);
    expect(stage.redactor.redact(`${key} planted-in-the-file`)).not.toMatch(/sk-|planted/);
  });

  it('has its secrets learned wherever they stand, and no ordinary word', async () => {
    await writeFile(join(folder, 'more.env'), 'SMTP_PASS=planted-in-a-file\nDEBUG_KEY=true\n');
    await writeFile(
      join(folder, '.env'),
      'MODEL_ID=org/model-name\nDATABASE_URL=postgresql://u:planted-in-an-address@db/chats\nWEBUI_SECRET_KEY=required\n',
    );
    const stage = setStage();
    await stage.reload(
      MOUNTED.replace('${MODEL_ID:?}', '${MODEL_ID:?} --api-key planted-on-the-line --port 8000').replace(
        '    volumes:',
        '    env_file: more.env\n    volumes:',
      ),
    );
    expect(stage.keeper.problems()).toEqual([]);
    expect(
      stage.redactor.redact(
        'planted-in-a-file planted-in-an-address planted-on-the-line planted-in-the-file',
      ),
    ).not.toContain('planted');
    const ordinary = 'org/model-name is true on port 8000, as required by api in db';
    expect(stage.redactor.redact(ordinary)).toBe(ordinary);
  });

  it('keeps what was valid when the file breaks, says where, and takes it back when mended', async () => {
    const stage = setStage();
    await stage.reload(MOUNTED);
    await stage.reload(`${MOUNTED}    imagee: x\n`);
    await stage.keeper.reload();
    expect(stage.states).toHaveLength(1);
    const [problem] = stage.keeper.problems();
    expect(problem).toMatchObject({ code: 'compose_file_invalid', class: 'fatal' });
    expect(problem?.detail).toContain(`${stage.file}:7:5 services.api.imagee`);
    const { since } = problem ?? {};
    await stage.reload(MOUNTED.replace('image: engine', 'image: other'));
    expect(stage.keeper.problems()).toEqual([]);
    expect(stage.states).toHaveLength(2);
    expect(since).toBeDefined();
  });

  it('is a problem of its own when the file is not there', async () => {
    const stage = setStage();
    await stage.keeper.reload();
    expect(stage.states).toEqual([]);
    expect(stage.keeper.problems()).toMatchObject([{ code: 'compose_file_missing' }]);
    expect(stage.changes()).toBe(1);
  });

  it('names an api without a model directory', async () => {
    const stage = setStage();
    await stage.reload('services:\n  api:\n    image: engine\n');
    expect(stage.states).toMatchObject([{ modelDirectory: null }]);
    expect(stage.keeper.problems()).toMatchObject([{ code: 'model_directory_not_mounted' }]);
  });

  it('wants no model when no service serves one', async () => {
    const stage = setStage();
    await stage.reload('services:\n  web:\n    image: page\n');
    expect(stage.states).toMatchObject([{ modelId: null, modelDirectory: null }]);
    expect(stage.keeper.problems()).toEqual([]);
  });

  it('takes a pinned model before the one in .env', async () => {
    const stage = setStage('org/pinned');
    await stage.reload(MOUNTED);
    expect(stage.states).toMatchObject([{ modelId: 'org/pinned' }]);
  });
});

describe('the environment file of a daemon that runs', () => {
  let environment = '';
  let stop = new AbortController();
  let watching: Promise<void> = Promise.resolve();
  beforeEach(() => {
    environment = join(folder, '.env');
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await watching;
  });

  async function watched(text: string | null = MOUNTED) {
    const stage = setStage();
    if (text === null) await stage.keeper.reload();
    else await stage.reload(text);
    watching = stage.keeper.watch(stop.signal);
    const becomes = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: SOON_MS });
    return { ...stage, becomes };
  }

  it('is made complete again when it is removed, with a new key that the services get', async () => {
    const { keeper, states, becomes, redactor } = await watched();
    const before = await keyIn(environment);
    await rm(environment);
    await becomes(async () => expect(await keyIn(environment)).toMatch(/^sk-/));
    const key = await keyIn(environment);
    expect(key).not.toBe(before);
    await becomes(() => expect(states).toHaveLength(2));
    expect(keeper.problems()).toEqual([]);
    expect(redactor.redact(`${key}`)).toBe('[redacted]');
  });

  it('gets back the line that is taken out, and keeps the others', async () => {
    const { keeper, states, becomes } = await watched();
    const text = await readFile(environment, 'utf8');
    await writeFile(`${environment}.new`, text.replace(/VLLM_API_KEY=.*\n/, 'MINE=1\n'));
    await rename(`${environment}.new`, environment);
    await becomes(async () => expect(await keyIn(environment)).toMatch(/^sk-/));
    expect(await readFile(environment, 'utf8')).toContain('MINE=1\n');
    await becomes(() => expect(states).toHaveLength(2));
    expect(keeper.problems()).toEqual([]);
  });

  it('is made where its directory comes later', async () => {
    await rm(folder, { recursive: true });
    const { file, keeper, states, becomes } = await watched(null);
    expect(keeper.problems()).toMatchObject([{ code: 'compose_file_missing' }]);
    await mkdir(folder);
    await writeFile(file, MOUNTED);
    await becomes(() => expect(states).toHaveLength(1));
    expect(await keyIn(environment)).toMatch(/^sk-/);
    expect(keeper.problems()).toEqual([]);
  });

  it('is written once for one change: what the daemon writes itself is no change', async () => {
    const { clock, states, becomes } = await watched();
    await rm(environment);
    await becomes(() => expect(states).toHaveLength(2));
    const { ino } = await stat(environment);
    const from = clock.sleptMs();
    await becomes(() => expect(clock.sleptMs() - from).toBeGreaterThan(60_000));
    expect((await stat(environment)).ino).toBe(ino);
    expect(states).toHaveLength(2);
  });

  it('with an error is the error of the files, and nothing is written into it', async () => {
    const { keeper, becomes } = await watched();
    await writeFile(environment, 'A="open\n');
    await becomes(() => expect(keeper.problems()).toMatchObject([{ code: 'compose_file_invalid' }]));
    expect(await readFile(environment, 'utf8')).toBe('A="open\n');
  });

  it('that cannot be written is a problem, and is written as soon as it can be', async () => {
    const { keeper, states, becomes } = await watched();
    await symlink(NOT_WRITABLE, `${environment}.new`);
    await rename(`${environment}.new`, environment);
    await becomes(() =>
      expect(keeper.problems()).toMatchObject([
        { code: 'environment_file_not_writable', detail: expect.stringContaining(environment) },
        { code: 'compose_file_invalid' },
      ]),
    );
    const [problem] = keeper.problems();
    expect(problem?.detail).toMatch(/VLLM_API_KEY.* cannot be added/);
    await writeFile(`${environment}.new`, await readFile(NOT_WRITABLE));
    await rename(`${environment}.new`, environment);
    await becomes(() => expect(states).toHaveLength(2));
    expect(keeper.problems()).toEqual([]);
  });
});
