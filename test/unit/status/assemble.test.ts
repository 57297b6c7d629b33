import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { assembleStatus } from '../../../src/status/assemble.ts';
import type { Problem } from '../../../src/status/problem.ts';
import { toProblem } from '../../../src/status/problem.ts';
import type { ProblemCode } from '../../../src/status/problem-table.ts';
import { StatusSchema } from '../../../src/status/schema.ts';
import { readyFacts, readyService, servicesOf, stoppedService } from '../../support/status-facts.ts';

const { model } = readyFacts();

function problem(code: ProblemCode, since: string, detail = `about ${code}`): Problem {
  return toProblem({ code, detail }, { now: () => new Date(since) });
}

describe('assembleStatus', () => {
  it('answers every key of the contract when all is well', () => {
    const status = assembleStatus(readyFacts());
    expect([...Value.Errors(StatusSchema, status)]).toEqual([]);
    expect(status.time).toBe('2026-03-04T05:06:07Z');
    expect(status.uptime_seconds).toBe(61);
  });

  it('answers every key of the contract while no compose file has been read', () => {
    const status = assembleStatus(readyFacts({ services: servicesOf({}) }));
    expect([...Value.Errors(StatusSchema, status)]).toEqual([]);
    expect(Object.keys(status.services)).toEqual(['api', 'ui']);
    expect(status.progress.phase).toBe('waiting for a valid compose file');
  });

  it('gives ui its backend_ready even when nothing is known about it, and gives it to no other service', () => {
    const { services } = assembleStatus(readyFacts());
    expect(services['ui']).toHaveProperty('backend_ready', null);
    expect(services['api']).not.toHaveProperty('backend_ready');
  });

  it.each([
    { api: readyService(), model, state: 'ready', active: true },
    {
      api: readyService({ ready: false, service_status: 'starting' }),
      model,
      state: 'configuring',
      active: false,
    },
    {
      api: stoppedService({ next_restart_at: '2026-03-04T05:07:00Z' }),
      model,
      state: 'configuring',
      active: false,
    },
    { api: stoppedService({ service_status: 'failed' }), model, state: 'error', active: false },
    {
      api: stoppedService({ waiting_for: 'model' }),
      model: { ...model, complete: false, downloadStatus: 'downloading' as const },
      state: 'not_configured',
      active: false,
    },
    {
      api: stoppedService({ waiting_for: 'model' }),
      model: { ...model, complete: false, downloadStatus: 'failed' as const },
      state: 'error',
      active: false,
    },
    {
      api: readyService(),
      model: { ...model, complete: false, downloadStatus: 'pending' as const },
      state: 'ready',
      active: true,
    },
  ])(
    'derives $state and active $active from an api that is $api.service_status and a $model.downloadStatus model',
    ({ api, model, state, active }) => {
      const status = assembleStatus(readyFacts({ services: servicesOf({ api }), model }));
      expect(status.model.configuration_state).toBe(state);
      expect(status.model.active_status).toBe(active);
    },
  );

  it('shows a problem that stands in several places once, with its earliest time', () => {
    const { deployment } = readyFacts();
    const status = assembleStatus(
      readyFacts({
        services: servicesOf({
          api: stoppedService({ problem: problem('gpu_missing', '2026-03-04T05:02:00Z') }),
        }),
        deployment: { ...deployment, problem: problem('gpu_missing', '2026-03-04T05:01:00Z') },
      }),
    );
    expect(status.problems.map(({ code, since }) => [code, since])).toEqual([
      ['gpu_missing', '2026-03-04T05:01:00Z'],
    ]);
  });

  it('keeps two problems of one code that tell of different things', () => {
    const status = assembleStatus(
      readyFacts({
        problems: [
          problem('port_in_use', '2026-03-04T05:01:00Z', 'port 8000'),
          problem('port_in_use', '2026-03-04T05:01:00Z', 'port 3000'),
        ],
      }),
    );
    expect(status.problems).toHaveLength(2);
  });

  it('puts the most severe problem first and the older one first among equals', () => {
    const status = assembleStatus(
      readyFacts({
        problems: [
          problem('hub_unreachable', '2026-03-04T05:00:00Z'),
          problem('disk_full', '2026-03-04T05:00:01Z'),
          problem('name_taken', '2026-03-04T05:00:03Z'),
          problem('model_gated', '2026-03-04T05:00:02Z'),
          problem('not_responding', '2026-03-04T05:00:00Z'),
        ],
      }),
    );
    expect(status.problems.map(({ code }) => code)).toEqual([
      'model_gated',
      'name_taken',
      'disk_full',
      'not_responding',
      'hub_unreachable',
    ]);
  });

  it('collects the problems of all rooms', () => {
    const facts = readyFacts();
    const at = '2026-03-04T05:00:00Z';
    const status = assembleStatus(
      readyFacts({
        services: servicesOf(
          { api: stoppedService({ problem: problem('container_exited', at) }) },
          { problems: [problem('engine_unsupported', at)] },
        ),
        model: { ...facts.model, problem: problem('model_gated', at) },
        chat: { ...facts.chat, problem: problem('chat_not_mounted', at) },
        problems: [problem('state_file_corrupt', at)],
      }),
    );
    expect(status.problems.map(({ code }) => code).sort()).toEqual([
      'chat_not_mounted',
      'container_exited',
      'engine_unsupported',
      'model_gated',
      'state_file_corrupt',
    ]);
  });
});
