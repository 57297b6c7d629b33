import { describe, expect, test } from 'vitest';
import { downloadLines, NO_DOWNLOAD_LOGGED } from '../../../src/deployment/download-lines.ts';
import {
  consoleLines,
  deploymentLines,
  stampLine,
  withKnownServices,
} from '../../../src/deployment/log-lines.ts';
import { problem, READY, service, status } from './fixtures.ts';

type Change = Parameters<typeof status>[0];
const LAST_EXIT = {
  at: '2026-11-23T17:03:00Z',
  exit_code: 0,
  oom_killed: false,
  cause: 'not asked for',
  attempt: 1,
  log_tail: [],
};

describe('deploymentLines', () => {
  test('begin with what is found at the start of the daemon', () => {
    expect(deploymentLines(null, status())).toEqual([
      'ai-sandbox 0.1.0 started',
      'deployment: in_progress, begun 2026-11-23T17:00:00Z',
      'api: stopped, waiting for model',
      'ui: running, ready',
      'chats: persisted',
    ]);
  });

  test('are none when only amounts and time have moved', () => {
    const later = status({
      time: '2026-11-23T17:09:00Z',
      model: { download: { ...status().model.download, bytes_done: 9e9 } },
      chat: { session_count: 9 },
    });
    expect(deploymentLines(status(), later)).toEqual([]);
  });

  test('say once that the target will be missed, as soon as it is known, and that it goes on', () => {
    const late = status({ deployment: { expected_seconds: 431 } });
    const line = 'deployment: takes longer than its target of 5 min, at least 7 min 11 s in all; it goes on';
    expect(deploymentLines(status(), late)).toEqual([line]);
    expect(deploymentLines(late, status({ deployment: { expected_seconds: 500 } }))).toEqual([]);
  });

  test('end with how long it took and a timeline of the phases', () => {
    const phase = { started_at: null, finished_at: null, state: 'done' as const };
    const phases = [
      { ...phase, name: 'image_ui', after_seconds: 10, seconds: 50 },
      { ...phase, name: 'model_download', after_seconds: 10, seconds: 90 },
    ];
    const before = status({ deployment: { phases } });
    const after = status({
      deployment: { deployment_status: 'completed', target_met: true, expected_seconds: 100, phases },
    });
    const lines = deploymentLines(before, after);
    for (const line of lines) expect(stampLine(line, new Date(0))).toBe(`[1970-01-01 00:00:00] ${line}`);
    expect(lines).toEqual([
      'deployment: completed in 1 min 40 s (target of 5 min met)',
      'image_ui ................... 50 s | . ################ ........... |',
      'model_download ....... 1 min 30 s | . #############################|',
    ]);
  });

  const done = { started_at: null, finished_at: null, after_seconds: null };
  test.each<[string, Change, Change, string[]]>([
    [
      'the end of the deployment',
      {},
      { deployment: { deployment_status: 'completed', target_met: true } },
      ['deployment: completed (target of 5 min met)'],
    ],
    [
      'its failure',
      {},
      {
        deployment: { deployment_status: 'failed', target_met: false, problem: problem({ title: 'Gated' }) },
      },
      ['deployment: failed: Gated (target of 5 min missed)'],
    ],
    [
      'phases',
      { deployment: { phases: [{ name: 'image_ui', state: 'running', ...done, seconds: 3 }] } },
      {
        deployment: {
          phases: [
            { name: 'image_ui', state: 'done', ...done, seconds: 44 },
            { name: 'load_model', state: 'running', ...done, seconds: 0 },
            { name: 'first_chat', state: 'pending', ...done, seconds: null },
          ],
        },
      },
      ['phase image_ui: done after 44 s', 'phase load_model: running'],
    ],
    [
      'an exit and the next attempt',
      { services: { api: service(READY) } },
      {
        services: {
          api: service({ restarts: 1, last_exit: LAST_EXIT, next_restart_at: '2026-11-23T17:03:30Z' }),
        },
      },
      [
        'api: ended: not asked for, exit code 0, attempt 1',
        'api: stopped, next attempt at 2026-11-23T17:03:30Z',
      ],
    ],
    [
      'a stop on request',
      { services: { ui: service(READY) } },
      { services: { ui: service({ wanted: false }) } },
      ['ui: stopped', 'ui: stopped on request'],
    ],
    [
      'a new service',
      {},
      { services: { proxy: service({ service_status: 'starting' }) } },
      ['proxy: starting'],
    ],
    [
      'a service that is gone',
      { services: { proxy: service() } },
      {},
      ['proxy: removed from the compose file'],
    ],
    ['a change of the chats', {}, { chat: { persistence_state: 'corrupted' } }, ['chats: corrupted']],
    [
      'a problem',
      {},
      { problems: [problem({ title: 'It is gated', detail: 'answered 403', remedy: 'Accept the terms.' })] },
      ['ERROR: It is gated (model_gated): answered 403. Accept the terms.'],
    ],
    [
      'a problem whose words end with a full stop',
      {},
      {
        problems: [problem({ title: 'It is gated', detail: 'Access denied.', remedy: 'Accept the terms.' })],
      },
      ['ERROR: It is gated (model_gated): Access denied. Accept the terms.'],
    ],
    [
      'a flag that was changed to heal a service',
      { services: { api: service() } },
      { services: { api: service({ overrides: { '--max-model-len': '12848' } }) } },
      ['api: --max-model-len 12848 instead of what the compose file says, to heal it'],
    ],
    [
      'another value of it',
      { services: { api: service({ overrides: { '--max-model-len': '12848' } }) } },
      { services: { api: service({ overrides: { '--max-model-len': '8192' } }) } },
      ['api: --max-model-len 8192 instead of what the compose file says, to heal it'],
    ],
    [
      'its end, when the model is another',
      { services: { api: service({ overrides: { '--max-model-len': '12848' } }) } },
      { services: { api: service() } },
      ['api: --max-model-len as the compose file says again'],
    ],
    [
      'its end',
      { problems: [problem({ title: 'It is gated' })] },
      {},
      ['no longer: It is gated (model_gated)'],
    ],
  ])('tell %s', (_what, before, after, expected) => {
    expect(deploymentLines(status(before), status(after))).toEqual(expected);
  });
});

describe('a start of the daemon', () => {
  const waiting = status({ services: { api: service({ waiting_for: 'docker' }), ui: service(READY) } });

  test('says nothing of a service before the engine has shown it', () => {
    const known = withKnownServices(null, waiting);
    expect(deploymentLines(null, known).filter((line) => line.startsWith('api'))).toEqual([]);
    const running = status({ services: { api: service(READY), ui: service(READY) } });
    expect(deploymentLines(known, running)).toEqual(['api: running, ready']);
  });

  test('keeps what was known of a service while the engine is asked again', () => {
    const running = status({ services: { api: service(READY), ui: service(READY) } });
    expect(withKnownServices(running, waiting).services['api']).toEqual(running.services['api']);
  });

  test('says that a service waits for an engine that is known to be away', () => {
    const away = { ...waiting, problems: [problem({ code: 'docker_unreachable' })] };
    expect(deploymentLines(null, withKnownServices(null, away))).toContain(
      'api: stopped, waiting for docker',
    );
  });
});

describe('the console', () => {
  test('is told how the deployment ends and what is wrong, but not of a restart of the daemon', () => {
    const completed = status({ deployment: { deployment_status: 'completed', target_met: true } });
    expect(consoleLines(status(), completed)).toEqual(['deployment: completed (target of 5 min met)']);
    expect(consoleLines(null, completed)).toEqual([]);
    const broken = { ...completed, problems: [problem()] };
    expect(consoleLines(null, broken)).toEqual([expect.stringMatching(/^ERROR: .*model_gated/)]);
    expect(consoleLines(broken, completed)).toEqual([expect.stringMatching(/^no longer: /)]);
  });
});

describe('downloadLines', () => {
  /** Plays statuses one after the other and returns all lines. */
  function play(steps: [uptime: number, percent: number, change?: Change][]): string[] {
    let memory = NO_DOWNLOAD_LOGGED;
    return steps.flatMap(([uptime_seconds, percent, change]) => {
      const given = status({ ...change, uptime_seconds });
      const step = downloadLines(memory, {
        ...given,
        model: { ...given.model, download: { ...given.model.download, bytes_done: 141e6 * percent } },
      });
      memory = step.memory;
      return step.lines;
    });
  }

  test('tell a whole download: its states, each tenth, its end', () => {
    const lines = play([
      [0, 0, { model: { download_status: 'pending' } }],
      [1, 0],
      [2, 5],
      [3, 11],
      [4, 19],
      [5, 20],
      [6, 100, { model: { download_status: 'completed' } }],
      [7, 100, { model: { download_status: 'completed' } }],
    ]);
    expect(lines).toEqual([
      'acme/small-instruct: pending',
      'acme/small-instruct: downloading the model 0 % (0 B/14.1 GB, 212 MB/s), about 40 s left',
      'acme/small-instruct: downloading the model 11 % (1.6/14.1 GB, 212 MB/s), about 40 s left',
      'acme/small-instruct: downloading the model 20 % (2.8/14.1 GB, 212 MB/s), about 40 s left',
      'acme/small-instruct: completed and verified, 14.1 GB in 12 files',
    ]);
  });

  test('tell a slow download every half minute', () => {
    expect(
      play([
        [0, 1],
        [29, 2],
        [30, 2],
        [59, 3],
        [60, 3],
        [70, 3],
      ]),
    ).toHaveLength(3);
  });

  test('tell a failure with its remedy, once', () => {
    const failed: Change = { model: { download_status: 'failed', problem: problem() } };
    expect(
      play([
        [0, 1],
        [1, 1, failed],
        [2, 1, failed],
        [90, 1, failed],
      ]).slice(1),
    ).toEqual([
      'acme/small-instruct: failed',
      'ERROR: The model may only be fetched after its terms are accepted: acme/gated answered 403. Accept the terms on the page of the model.',
    ]);
  });

  test('start anew with another model', () => {
    const other: Change = { model: { model_identifier: 'acme/other' } };
    expect(
      play([
        [0, 50],
        [1, 0, other],
        [2, 10, other],
      ]),
    ).toHaveLength(3);
  });
});

test('a line of a log is stamped, and cannot be broken by what it says', () => {
  expect(stampLine('api: \u001b[31mbad\nERROR: forged', new Date('2026-11-23T17:00:03.999Z'))).toBe(
    '[2026-11-23 17:00:03] api: bad ERROR: forged',
  );
});
