import { describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../../src/diagnosis/types.ts';
import { healFor } from '../../../src/services/healing.ts';
import type { SupervisorParts } from '../../../src/services/room.ts';
import type { Heal } from '../../../src/services/types.ts';
import { engineError } from '../../support/scripted-engine.ts';
import { type Stage, setStage } from './support.ts';

const diagnosis = (fields: Partial<Diagnosis>): Diagnosis => ({
  code: 'unknown_failure',
  signature: null,
  class: null,
  detail: 'words of the log',
  remedy: null,
  line: 'words of the log',
  values: {},
  ...fields,
});
const SMALL_CACHE = diagnosis({
  code: 'kv_cache_too_small',
  signature: 'kv_small',
  values: { estimated_max_model_len: '12848' },
});
const NO_ACCESS = diagnosis({ code: 'gpu_access_lost', signature: 'nvml_lost' });
const DAMAGED = diagnosis({
  code: 'model_file_corrupt',
  signature: 'corrupt_header',
});

describe('the way to heal a cause', () => {
  test('a context that does not fit becomes the estimate of the message', () => {
    expect(healFor(SMALL_CACHE)).toMatchObject({ kind: 'override', flag: '--max-model-len', value: '12848' });
    const commas = diagnosis({ values: { estimated_max_model_len: '12,848' } });
    expect(healFor(commas)).toMatchObject({ value: '12848' });
  });

  test.each(['0', '12', 'lots', '-1', '1e99'])('no context is set to %s tokens', (estimate) => {
    expect(healFor(diagnosis({ values: { estimated_max_model_len: estimate } }))).toBeNull();
  });

  test('lost access to the GPU needs a new container, a damaged file another download', () => {
    expect(healFor(NO_ACCESS)?.kind).toBe('recreate');
    expect(healFor(DAMAGED)?.kind).toBe('refetch');
  });

  test('for most causes there is none', () => {
    expect(healFor(diagnosis({ code: 'model_gated', signature: 'gated' }))).toBeNull();
  });
});

/** A stage where every exit of the api is diagnosed alike; what the rest of the daemon was asked to heal is listed. */
async function stageWith(found: Diagnosis, heal: SupervisorParts['heal']) {
  const heals: Heal[] = [];
  const stage = setStage({
    parts: {
      diagnose: ({ exitCode }) => (exitCode === null || exitCode === 0 ? null : found),
      heal: (service, way) => {
        heals.push(way);
        return heal?.(service, way) ?? false;
      },
    },
  });
  await stage.clock.advance(10_000);
  stage.engine.calls.length = 0;
  return { stage, heals };
}

/** Ends the api with code 1 whenever it runs, for so many seconds. */
async function failing(stage: Stage, seconds: number) {
  for (let second = 0; second < seconds; second += 1) {
    const container = stage.engine.byName('ai-sandbox-api');
    if (container?.facts.state === 'running') stage.engine.exit(container.facts.id, 1);
    await stage.clock.advance(1_000);
  }
}
const count = (stage: Stage, change: string) => stage.changes().filter((line) => line === change).length;
const api = (stage: Stage) => stage.supervisor.snapshot().services['api'];

describe('a port that Docker keeps for no container', () => {
  /** The engine refuses every start of the api; what the rest of the daemon was asked to heal is listed. */
  const stageWithKeptPort = (heal: (stage: Stage) => boolean, images?: string[]) => {
    const heals: Heal[] = [];
    const stage: Stage = setStage({
      ...(images === undefined ? {} : { images }),
      parts: {
        heal: (_service, way) => {
          heals.push(way);
          return heal(stage);
        },
      },
    });
    const error = engineError('refused', {
      code: 'port_left_taken',
      detail: 'Bind for 127.0.0.1:8000 failed',
    });
    stage.engine.treat = (call) => {
      if (call.name === 'pullImage') return { kind: 'hang', deadlineMs: 3_600_000 };
      const refused = call.name === 'startContainer' && call.container === 'ai-sandbox-api';
      return refused ? { kind: 'fail', afterMs: 1, error } : { kind: 'answer', afterMs: 1 };
    };
    return { stage, heals };
  };

  test('is waited for a moment, then Docker is restarted once', async () => {
    const { stage, heals } = stageWithKeptPort(() => true);
    await stage.clock.advance(2_000);
    expect(heals).toEqual([]);
    await stage.clock.advance(600_000);
    expect(heals.map(({ kind }) => kind)).toEqual(['restart_engine']);
    expect(api(stage)?.problem?.code).toBe('port_left_taken');
  });

  test('is free after the restart', async () => {
    const { stage } = stageWithKeptPort((own) => {
      own.engine.treat = () => ({ kind: 'answer', afterMs: 1 });
      own.engine.goDown({ keepContainers: false });
      own.clock.sleep(5_000).then(() => own.engine.comeUp());
      return true;
    });
    await stage.clock.advance(60_000);
    expect(api(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('does not end a pull that is under way', async () => {
    const { stage, heals } = stageWithKeptPort(() => true, ['image-api']);
    await stage.clock.advance(600_000);
    expect(api(stage)?.problem?.code).toBe('port_left_taken');
    expect(heals).toEqual([]);
  });
});

describe('healing', () => {
  test('is asked for once, and when the same cause comes back the service stops with it', async () => {
    const { stage, heals } = await stageWith(SMALL_CACHE, () => true);
    await failing(stage, 900);
    expect(heals).toHaveLength(1);
    expect(api(stage)).toMatchObject({
      service_status: 'failed',
      next_restart_at: null,
      problem: { code: 'kv_cache_too_small' },
    });
    expect(count(stage, 'startContainer ai-sandbox-api')).toBe(2);
  });

  test('that the rest of the daemon cannot do leaves the verdict to the class', async () => {
    const { stage, heals } = await stageWith(SMALL_CACHE, () => false);
    await failing(stage, 900);
    expect(heals).toHaveLength(1);
    expect(count(stage, 'startContainer ai-sandbox-api')).toBe(1);
    expect(api(stage)?.service_status).toBe('failed');
  });

  test('a lost GPU makes the container anew, once, and then it serves', async () => {
    const { stage } = await stageWith(NO_ACCESS, undefined);
    await failing(stage, 1);
    await stage.clock.advance(60_000);
    expect(count(stage, 'removeContainer ai-sandbox-api')).toBe(1);
    expect(count(stage, 'createContainer ai-sandbox-api')).toBe(1);
    expect(api(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('is tried again after a user has started the service anew', async () => {
    const { stage, heals } = await stageWith(SMALL_CACHE, () => true);
    await failing(stage, 60);
    void stage.supervisor.start('api').catch(() => undefined);
    await failing(stage, 60);
    expect(heals).toHaveLength(2);
  });

  test('a stopped service is not healed', async () => {
    const { stage, heals } = await stageWith(SMALL_CACHE, () => true);
    const stopped = stage.supervisor.stop('api');
    await failing(stage, 20);
    await stopped;
    expect(heals).toEqual([]);
  });
});

test('a stopped service with a fatal cause starts again on demand and shows no problem once it answers', async () => {
  const { stage } = await stageWith(diagnosis({ code: 'model_gated', signature: 'gated' }), undefined);
  await failing(stage, 60);
  expect(api(stage)).toMatchObject({ service_status: 'failed', problem: { code: 'model_gated' } });
  const started = stage.supervisor.start('api');
  await stage.clock.advance(10_000);
  await started;
  expect(api(stage)).toMatchObject({ service_status: 'running', problem: null });
});
