import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComposeSource } from '../../../src/compose/source.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { createDesiredState } from '../../../src/wiring/desired-state.ts';

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
  const states: { modelId: string | null; modelDirectory: string | null; services: string[] }[] = [];
  let changes = 0;
  const keeper = createDesiredState({
    source: createComposeSource({ file, environment: {}, pinnedModelId, clock: systemClock, log }),
    composeFile: file,
    pinnedModelId,
    clock: systemClock,
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
  return { file, keeper, reload, states, redactor, changes: () => changes };
}

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
