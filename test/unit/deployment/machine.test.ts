import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import type { DeploymentFacts } from '../../../src/deployment/facts.ts';
import {
  type DeploymentMemory,
  DeploymentMemorySchema,
  deploymentChanged,
  deploymentView,
  INITIAL_DEPLOYMENT,
  startDeployment,
  stepDeployment,
} from '../../../src/deployment/machine.ts';
import { pullView } from '../../support/status-facts.ts';
import { ALL_READY, at, facts, MODEL_READY, problem, READY, service } from './fixtures.ts';

const UNKNOWN = { instance_type: null, region: null, label: null };
const run = (steps: [number, DeploymentFacts][], from: DeploymentMemory = INITIAL_DEPLOYMENT) =>
  steps.reduce((memory, [seconds, each]) => stepDeployment(memory, each, at(seconds)), from);
const view = (memory: DeploymentMemory) => deploymentView(memory, UNKNOWN);

describe('deployment_status', () => {
  const gated = facts({ model: { download_status: 'failed', problem: problem() } });
  const gpuMissing = problem({ code: 'gpu_missing', class: 'host' });
  test.each<[string, DeploymentFacts, string]>([
    ['nothing has begun', facts(), 'in_progress'],
    ['no compose file has been read', facts({ services: {} }), 'in_progress'],
    ['every service is ready and the chats are checked', ALL_READY, 'completed'],
    ['the page is still to be opened', { ...ALL_READY, pageSettled: false }, 'in_progress'],
    ['the chats are not checked yet', { ...ALL_READY, chatsChecked: false }, 'in_progress'],
    [
      'the engine would not answer a chat',
      { ...ALL_READY, model: { ...MODEL_READY, active_status: false } },
      'in_progress',
    ],
    [
      'one service is not ready',
      { ...ALL_READY, services: { api: service(READY), ui: service() } },
      'in_progress',
    ],
    [
      'a file without api is ready without a model',
      facts({ services: { ui: service(READY) }, chatsChecked: true }),
      'completed',
    ],
    ['the model is gated', gated, 'failed'],
    [
      'the model id is invalid and nothing was tried',
      facts({ model: { problem: problem({ code: 'model_id_invalid' }) } }),
      'failed',
    ],
    [
      'the hub is unreachable, which passes',
      facts({ model: { problem: problem({ class: 'transient' }) } }),
      'in_progress',
    ],
    [
      'a download runs while its old problem is still shown',
      facts({ model: { download_status: 'downloading', problem: problem() } }),
      'in_progress',
    ],
    [
      'a model problem means nothing to a file without api',
      facts({ services: { ui: service() }, model: { download_status: 'failed', problem: problem() } }),
      'in_progress',
    ],
    [
      'the GPU is missing',
      facts({ services: { api: service({ waiting_for: 'gpu', problem: gpuMissing }), ui: service() } }),
      'failed',
    ],
    [
      'a service that failed is being started again',
      facts({ services: { api: service({ service_status: 'starting', problem: gpuMissing }) } }),
      'in_progress',
    ],
    [
      'a service waits for its next attempt',
      facts({
        services: { api: service({ next_restart_at: '2026-11-23T17:02:00Z', problem: gpuMissing }) },
      }),
      'in_progress',
    ],
    [
      'a problem on a ready service holds up nothing',
      { ...ALL_READY, services: { api: service({ ...READY, problem: gpuMissing }), ui: service(READY) } },
      'completed',
    ],
    [
      'Docker is down',
      facts({ problems: [problem({ code: 'docker_unreachable', class: 'host' })] }),
      'failed',
    ],
    [
      'motd cannot be written',
      facts({ problems: [problem({ code: 'motd_not_writable', class: 'host' })] }),
      'in_progress',
    ],
  ])('when %s', (_when, given, expected) => {
    expect(stepDeployment(INITIAL_DEPLOYMENT, given, at(10)).deployment_status).toBe(expected);
  });

  test('a failed deployment shows the problem that holds it up', () => {
    expect(view(run([[10, gated]])).problem).toEqual(problem());
  });

  test('the cause of all comes before the problem of one service', () => {
    const docker = problem({ code: 'docker_unreachable', class: 'host' });
    expect(view(run([[10, { ...gated, problems: [docker] }]])).problem?.code).toBe('docker_unreachable');
  });

  test('failed goes back to in_progress when the download is tried again', () => {
    const retried = facts({ model: { download_status: 'downloading' } });
    const memory = run([
      [10, gated],
      [20, retried],
    ]);
    expect([memory.deployment_status, memory.problem]).toEqual(['in_progress', null]);
  });

  test('completed stays when a service fails later', () => {
    const memory = run([
      [100, ALL_READY],
      [900, gated],
    ]);
    expect(view(memory)).toMatchObject({ deployment_status: 'completed', problem: null, target_met: true });
  });
});

describe('the five-minute clock', () => {
  test('starts at the first step of the daemon', () => {
    expect(view(run([[7, facts()]])).deployment_timestamp).toBe('2026-11-23T17:00:07Z');
  });

  test("starts at the installer's stamp when there is one", () => {
    const memory = run([[100, facts()]], startDeployment(INITIAL_DEPLOYMENT, at(3), at(90)));
    expect(view(memory).deployment_timestamp).toBe('2026-11-23T17:00:03Z');
  });

  test('is not started again by a later boot, with or without a stamp', () => {
    const running = run([[7, facts()]]);
    expect(startDeployment(running, at(500), at(600))).toBe(running);
  });

  test('goes on by wall time across a boot', () => {
    const running = run([[7, facts()]]);
    const afterBoot = { at: '2026-11-23T17:04:00Z', boot_id: 'another', uptime_seconds: 12 };
    expect(view(stepDeployment(running, ALL_READY, afterBoot)).target_met).toBe(true);
  });

  test('does not see a wall clock that is set by hours within one boot', () => {
    const running = run([[7, facts()]]);
    const later = { ...at(100), at: '2026-11-23T23:59:00Z' };
    expect(view(stepDeployment(running, ALL_READY, later)).target_met).toBe(true);
  });

  test.each<[string, [number, DeploymentFacts][], boolean | null]>([
    [
      'unknown while there is time',
      [
        [0, facts()],
        [299, facts()],
      ],
      null,
    ],
    [
      'missed as soon as the time is over',
      [
        [0, facts()],
        [301, facts()],
      ],
      false,
    ],
    [
      'met at the end',
      [
        [0, facts()],
        [300, ALL_READY],
      ],
      true,
    ],
    [
      'missed at the end',
      [
        [0, facts()],
        [301, ALL_READY],
      ],
      false,
    ],
  ])('target_met is %s', (_when, steps, expected) => {
    expect(view(run(steps)).target_met).toBe(expected);
  });
});

describe('phases', () => {
  const pulling = { pull: pullView(1, 2), waiting_for: 'image' };
  const loading = service({ service_status: 'starting', container_id: 'a' });
  const apiAnswers = (engineAnswers: boolean | null, api = loading) =>
    facts({
      services: { api, ui: service(READY) },
      model: { download_status: 'completed' },
      engineAnswers,
    });
  const story: [number, DeploymentFacts][] = [
    [
      1,
      facts({
        services: { api: service(pulling), ui: service(pulling) },
        model: { download_status: 'downloading' },
      }),
    ],
    [
      20,
      facts({
        services: { api: service(pulling), ui: service({ service_status: 'starting', container_id: 'u' }) },
        model: { download_status: 'downloading' },
      }),
    ],
    [
      60,
      facts({
        services: { api: service({ waiting_for: 'model' }), ui: service(READY) },
        model: { download_status: 'downloading' },
      }),
    ],
    [100, apiAnswers(false)],
    [170, apiAnswers(true)],
    [175, { ...ALL_READY, engineAnswers: true }],
  ];
  const timings = (memory: DeploymentMemory) =>
    view(memory).phases.map(({ name, state, seconds }) => `${name} ${state} ${seconds}`);

  test('overlap, and each has its own time', () => {
    expect(timings(run(story))).toEqual([
      'image_api done 59',
      'image_ui done 19',
      'model_download done 99',
      'start_ui done 40',
      'load_model done 70',
      'first_chat done 5',
    ]);
  });

  test('a running phase shows what it has taken so far', () => {
    expect(timings(run(story.slice(0, 3)))).toEqual([
      'image_api done 59',
      'image_ui done 19',
      'model_download running 59',
      'start_ui done 40',
      'load_model pending null',
    ]);
  });

  test('do not change any more once the deployment is completed', () => {
    const finished = run(story);
    expect(stepDeployment(finished, facts(), at(500))).toBe(finished);
  });

  test('an image that was there takes no time', () => {
    const memory = run([[1, facts({ services: { ui: loading } })]]);
    expect(timings(memory)[0]).toBe('image_ui done 0');
  });

  test('a failed download is a failed phase, and runs again under its first start time', () => {
    const download = (download_status: 'downloading' | 'failed') =>
      facts({ model: { download_status, problem: download_status === 'failed' ? problem() : null } });
    const failed = run([
      [10, download('downloading')],
      [30, download('failed')],
    ]);
    expect(timings(failed)[2]).toBe('model_download failed 20');
    expect(
      timings(
        run(
          [
            [50, download('downloading')],
            [60, download('downloading')],
          ],
          failed,
        ),
      )[2],
    ).toBe('model_download running 50');
  });

  test.each([
    ['image_not_found', 'image_api failed 9', 'load_model pending null'],
    ['gpu_missing', 'image_api running 9', 'load_model failed null'],
  ])('%s fails the phase it belongs to', (code, image, load) => {
    const blocked = service({ service_status: 'failed', problem: problem({ code }) });
    const memory = run([
      [1, facts({ services: { api: service(pulling) } })],
      [10, facts({ services: { api: blocked } })],
    ]);
    expect(timings(memory)).toEqual([image, 'model_download pending null', load]);
  });
});

describe('the steps of the installer', () => {
  const docker = { name: 'docker', state: 'done' as const, started: at(0), finished: at(40) };
  const driver = (state: 'running' | 'done' | 'failed') => ({
    name: 'gpu_driver',
    state,
    started: at(45),
    finished: state === 'running' ? null : at(145),
  });
  const states = (memory: DeploymentMemory) =>
    view(memory).phases.map(({ name, state, after_seconds, seconds }) => [
      name,
      state,
      after_seconds,
      seconds,
    ]);

  test('come before the phases of the daemon, on the same axis of time', () => {
    const began = startDeployment(INITIAL_DEPLOYMENT, at(0), at(50));
    const memory = run([[60, facts({ installer: [docker, driver('running')] })]], began);
    expect(states(memory).slice(0, 3)).toEqual([
      ['docker', 'done', 0, 40],
      ['gpu_driver', 'running', 45, 15],
      ['image_api', 'pending', null, null],
    ]);
  });

  test('are followed to their end when that comes after the first chat, and not to a repair afterwards', () => {
    const completed = run([[100, { ...ALL_READY, installer: [docker, driver('running')] }]]);
    const ended = run([[150, facts({ installer: [docker, driver('done')] })]], completed);
    expect(states(ended)[1]).toEqual(['gpu_driver', 'done', 0, 100]);
    expect(view(ended).deployment_status).toBe('completed');
    const repaired = run([[9999, facts({ installer: [driver('failed')] })]], ended);
    expect(repaired).toBe(ended);
  });

  test('keep their times when a second run finds them done', () => {
    const first = run([[60, facts({ installer: [docker] })]]);
    const second = run(
      [[600, facts({ installer: [{ ...docker, started: at(590), finished: at(590) }] })]],
      first,
    );
    expect(second.installer).toEqual([docker]);
  });

  test.each([
    ['gpu_driver', 'failed'],
    ['model', 'in_progress'],
  ])('that failed hold up a service that waits for %s: %s', (waiting_for, expected) => {
    const installer = problem({ code: 'installer_step_failed', class: 'host' });
    const memory = run([[9, facts({ services: { api: service({ waiting_for }) }, problems: [installer] })]]);
    expect(memory.deployment_status).toBe(expected);
  });
});

describe('the memory', () => {
  test('fits its schema at every stage and survives JSON', () => {
    const gated = facts({ model: { download_status: 'failed', problem: problem() } });
    for (const memory of [
      INITIAL_DEPLOYMENT,
      run([[1, gated]]),
      run([
        [1, facts()],
        [9, ALL_READY],
      ]),
    ]) {
      expect(Value.Check(DeploymentMemorySchema, JSON.parse(JSON.stringify(memory)))).toBe(true);
    }
  });

  test('is not worth a write when only time has passed', () => {
    const first = run([[1, facts()]]);
    expect(deploymentChanged(first, stepDeployment(first, facts(), at(2)))).toBe(false);
    expect(deploymentChanged(first, stepDeployment(first, ALL_READY, at(2)))).toBe(true);
  });

  test('keeps the model of this deployment while none is named', () => {
    const memory = run([
      [1, facts()],
      [2, facts({ model: { model_identifier: null } })],
    ]);
    expect(view(memory).default_model_identifier).toBe('acme/small-instruct');
  });
});
