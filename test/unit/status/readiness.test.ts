import { describe, expect, it } from 'vitest';
import { assembleStatus } from '../../../src/status/assemble.ts';
import { toProblem } from '../../../src/status/problem.ts';
import { readiness } from '../../../src/status/readiness.ts';
import { readyFacts, readyService, servicesOf, stoppedService } from '../../support/status-facts.ts';

const { deployment, chat } = readyFacts();
const inProgress = { ...deployment, deployment_status: 'in_progress' as const };
const unchecked = { ...chat, persistence_state: null };

describe('readiness', () => {
  it('is given when the deployment is completed and every service is ready', () => {
    expect(readiness(assembleStatus(readyFacts()))).toEqual({ ready: true, reasons: [] });
  });

  it('waits for the deployment and the check of the chats', () => {
    const status = assembleStatus(readyFacts({ deployment: inProgress, chat: unchecked }));
    expect(readiness(status)).toEqual({
      ready: false,
      reasons: ['chats: not checked yet', 'deployment: in progress'],
    });
  });

  it('does not wait for chats where the file has no ui', () => {
    const services = servicesOf({ api: readyService() });
    const status = assembleStatus(readyFacts({ deployment: inProgress, chat: unchecked, services }));
    expect(readiness(status).reasons).toEqual(['deployment: in progress']);
  });

  it('does not wait for a later check of the chats once the deployment is completed', () => {
    expect(readiness(assembleStatus(readyFacts({ chat: unchecked }))).ready).toBe(true);
  });

  it('is lost whenever any service of the file is not ready, with the reason in words', () => {
    const problem = toProblem({ code: 'gpu_missing', detail: '' }, { now: () => new Date(0) });
    const services = servicesOf({
      api: stoppedService({ problem }),
      ui: stoppedService({ wanted: false }),
      extra: readyService({ ready: false }),
      more: stoppedService({ next_restart_at: '2026-03-04T05:07:00Z' }),
      last: stoppedService({ waiting_for: 'image' }),
    });
    expect(readiness(assembleStatus(readyFacts({ services })))).toEqual({
      ready: false,
      reasons: [
        'api: The engine cannot give the container a GPU (gpu_missing)',
        'ui: stopped on request (ai-sandbox start ui)',
        'extra: runs, but does not answer yet',
        'more: restarts at 2026-03-04T05:07:00Z',
        'last: waiting for image',
      ],
    });
  });
});
