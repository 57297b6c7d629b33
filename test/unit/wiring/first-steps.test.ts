import { describe, expect, it } from 'vitest';
import type { ServicesSnapshot } from '../../../src/services/types.ts';
import { FIRST_STEPS_MS, firstSteps } from '../../../src/wiring/first-steps.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { readyService, stoppedService } from '../../support/status-facts.ts';

type Services = ServicesSnapshot['services'];
const lost = {
  code: 'docker_unreachable',
  title: 'Docker does not answer',
  detail: '',
  remedy: '',
  class: 'host',
  since: '2026-03-04T05:00:00Z',
} as const;

function snapshot(services: Services, docker: Partial<ServicesSnapshot> = {}): ServicesSnapshot {
  const reached = { version: '28', api_version: '1.48', reachable: true };
  return {
    services,
    problems: [],
    docker: reached,
    imageDirectory: null,
    mounts: {},
    published: {},
    ...docker,
  };
}

/** Whether the first steps are over after each of these snapshots, with no time passing. */
async function over(snapshots: ServicesSnapshot[]): Promise<boolean[]> {
  let listener: (next: ServicesSnapshot) => void = () => undefined;
  const [first, ...later] = snapshots;
  if (first === undefined) throw new Error('at least one snapshot');
  const clock = createManualClock();
  let done = false;
  const supervisor = {
    snapshot: () => first,
    onChange: (listen: typeof listener) => {
      listener = listen;
      return () => undefined;
    },
  };
  void firstSteps(supervisor, clock).then(() => {
    done = true;
  });
  await clock.advance(0);
  const seen = [done];
  for (const next of later) {
    listener(next);
    await clock.advance(0);
    seen.push(done);
  }
  await clock.advance(FIRST_STEPS_MS - 1);
  const before = done;
  await clock.advance(1);
  expect(done).toBe(true);
  return [...seen, before];
}

describe('the first steps of the engine', () => {
  it('are over when every service runs', async () => {
    const unknown = { docker: { version: null, api_version: null, reachable: false } };
    const waiting = stoppedService({ waiting_for: 'docker' });
    const starting = stoppedService({ service_status: 'starting', container_id: 'c0ffee' });
    expect(
      await over([
        snapshot({ api: waiting, ui: waiting }, unknown),
        snapshot({ api: stoppedService(), ui: stoppedService() }),
        snapshot({ api: readyService(), ui: starting }),
        snapshot({ api: readyService(), ui: readyService({ ready: false }) }),
      ]),
    ).toEqual([false, false, false, true, true]);
  });

  it('are over when what does not run waits for something, is not to run, or cannot', async () => {
    const services = {
      api: stoppedService({ waiting_for: 'model' }),
      ui: stoppedService({ wanted: false }),
      failed: stoppedService({ problem: lost }),
      later: stoppedService({ next_restart_at: '2026-03-04T05:00:00Z' }),
    };
    expect(await over([snapshot(services)])).toEqual([true, true]);
  });

  it('are over when there is no engine', async () => {
    const away = { docker: { version: null, api_version: null, reachable: false }, problems: [lost] };
    expect(await over([snapshot({ api: stoppedService({ waiting_for: 'docker' }) }, away)])).toEqual([
      true,
      true,
    ]);
  });

  it('take so long at most', async () => {
    expect(await over([snapshot({ api: stoppedService() })])).toEqual([false, false]);
  });
});
