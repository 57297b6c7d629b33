import { describe, expect, it } from 'vitest';
import { createWait, HOST_LIMIT_MS, problemText, SILENCE_LIMIT_MS } from '../../../scripts/lib/demo-wait.ts';
import { assembleStatus } from '../../../src/status/assemble.ts';
import { type Finding, toProblem } from '../../../src/status/problem.ts';
import type { Status } from '../../../src/status/schema.ts';
import { NOW, pullView, readyFacts, servicesOf, stoppedService } from '../../support/status-facts.ts';

const clock = { now: () => NOW };
const problem = (code: Finding['code'], since?: string) => toProblem({ code, detail: 'seen' }, clock, since);

/** A status on its way; `change` is made in a copy. */
function statusWith(change: (status: Status) => void = () => undefined): Status {
  const facts = readyFacts({ services: servicesOf({ api: stoppedService(), ui: stoppedService() }) });
  facts.deployment.deployment_status = 'in_progress';
  const status = structuredClone(assembleStatus(facts));
  change(status);
  return status;
}
const modelAt = (bytes: number) =>
  statusWith(({ model }) => Object.assign(model.download, { bytes_done: bytes }));
const pullAt = (bytes: number) =>
  statusWith(({ services }) => Object.assign(services['ui'] ?? {}, { pull: pullView(bytes, null) }));

describe('waiting for ready', () => {
  it('goes on while bytes move, however long, and ends when nothing has moved for ten minutes', () => {
    const wait = createWait(0);
    let now = 0;
    for (let bytes = 1; bytes <= 20; bytes += 1) {
      now += SILENCE_LIMIT_MS - 1;
      expect(wait.look(pullAt(bytes), now).end).toBeNull();
    }
    expect(wait.look(pullAt(20), now + SILENCE_LIMIT_MS - 1).end).toBeNull();
    expect(wait.look(pullAt(20), now + SILENCE_LIMIT_MS).end).toBe(
      'nothing has moved for 10 minutes: no bytes, no phase',
    );
  });

  it('counts the bytes of images and model apart: a small image after a large one moves, too', () => {
    const wait = createWait(0);
    wait.look(pullAt(1_000_000), 0);
    expect(wait.look(modelAt(2_000), SILENCE_LIMIT_MS).end).toBeNull();
  });

  it('goes on when a phase begins, but not for one that comes again and again', () => {
    const wait = createWait(0);
    const loading = (phase: string) => statusWith(({ model }) => Object.assign(model.load, { phase }));
    wait.look(loading('weights'), 0);
    expect(wait.look(loading('graphs'), SILENCE_LIMIT_MS).end).toBeNull();
    wait.look(loading('weights'), SILENCE_LIMIT_MS + 1);
    expect(wait.look(loading('graphs'), 2 * SILENCE_LIMIT_MS).end).toContain('nothing has moved');
  });

  it('ends a daemon that does not answer in the same time', () => {
    const wait = createWait(0);
    expect(wait.look(null, SILENCE_LIMIT_MS - 1)).toEqual({ fresh: [], end: null });
    expect(wait.look(null, SILENCE_LIMIT_MS).end).toContain('nothing has moved');
  });

  it('tells every problem once, with what to do', () => {
    const shown = new Set<string>();
    const wait = createWait(0, shown);
    const gone = problem('hub_unreachable');
    const first = statusWith((status) => status.problems.push(gone));
    expect(wait.look(first, 0)).toEqual({ fresh: [gone], end: null });
    expect(wait.look(first, 1).fresh).toEqual([]);
    const later = problem('port_in_use');
    expect(
      wait.look(
        statusWith((status) => status.problems.push(gone, later)),
        2,
      ).fresh,
    ).toEqual([later]);
    expect(createWait(0, shown).look(first, 3).fresh).toEqual([]);
    const again = { ...gone, since: '2026-03-04T06:00:00Z' };
    expect(
      wait.look(
        statusWith((status) => status.problems.push(again)),
        4,
      ).fresh,
    ).toEqual([again]);
    expect(problemText(gone)).toBe(
      `problem: ${gone.title} (hub_unreachable): seen\n  what to do: ${gone.remedy}`,
    );
  });

  it('ends at once for a fatal problem, and with the service that is given up', () => {
    const gated = problem('model_gated');
    const fatal = statusWith((status) => status.problems.push(gated));
    expect(createWait(0).look(fatal, 0)).toEqual({
      fresh: [gated],
      end: `it cannot become ready: ${gated.title} (model_gated)`,
    });
    const loop = problem('restart_loop');
    const failed = statusWith(({ services }) =>
      Object.assign(services['api'] ?? {}, { service_status: 'failed', problem: loop }),
    );
    expect(createWait(0).look(failed, 0).end).toContain('(restart_loop)');
  });

  it('ends for a trouble of the host that holds up the deployment, when it has stood for a minute', () => {
    const full = problem('disk_full');
    const held = statusWith(({ deployment }) =>
      Object.assign(deployment, { deployment_status: 'failed', problem: full }),
    );
    const wait = createWait(0);
    expect(wait.look(held, 0).end).toBeNull();
    expect(wait.look(held, HOST_LIMIT_MS - 1).end).toBeNull();
    expect(wait.look(statusWith(), HOST_LIMIT_MS).end).toBeNull();
    expect(wait.look(held, HOST_LIMIT_MS + 1).end).toBeNull();
    expect(wait.look(held, 2 * HOST_LIMIT_MS + 1).end).toBe(
      `it cannot become ready: ${full.title} (disk_full), for 60 seconds now`,
    );
  });

  it('does not end for a trouble of the host that holds up nothing', () => {
    const motd = problem('motd_not_writable');
    const wait = createWait(0);
    const status = statusWith(({ problems }) => problems.push(motd));
    wait.look(status, 0);
    expect(wait.look(status, HOST_LIMIT_MS).end).toBeNull();
  });
});
