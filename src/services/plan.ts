import type { ServiceSpec } from '../compose/service-spec.ts';
import type { ObservedContainer } from '../docker/engine.ts';
import { COMPOSE_LABELS } from '../docker/labels.ts';
import type { DesiredServices, Observation, ServiceObservation } from './observe.ts';
import type { Known, KnownService } from './plan-inputs.ts';
import { blockedBy, isUp, mayStartAfter } from './plan-order.ts';
import { partsOf } from './plan-parts.ts';
import { laneOf, type Step, type StopReason } from './step.ts';

/** While a service is starting it ignores SIGTERM (vLLM while loading does), so a long wait gains nothing. */
const STARTING_GRACE_MS = 5_000;
/** While serving it may have to finish requests, where the file says nothing else. */
const SERVING_GRACE_MS = 30_000;

/** The steps that can be made now, at most one a lane, and what each service waits for. */
export interface Plan {
  steps: Step[];
  waitingFor: Record<string, string | null>;
}

/**
 * Compares what should be with what is. Steps of different lanes may be made at the same time; what depends on them
 * is planned when they are done, because every step is followed by a new plan. Pure.
 */
export function plan(desired: DesiredServices, observed: Observation, known: Known, now: number): Plan {
  const steps: Step[] = [];
  const waitingFor: Record<string, string | null> = {};
  for (const orphan of observed.orphans) steps.push(...stepsForOrphan(orphan));
  for (const service of desired.services) {
    const own = planService(service, desired, observed, known, now);
    steps.push(...own.steps);
    waitingFor[service.name] = own.waitingFor;
  }
  const lanes = new Set<string>();
  const possible = steps.filter((step) => {
    const lane = laneOf(step);
    if (lanes.has(lane)) return false;
    lanes.add(lane);
    return (known.retryAt[lane] ?? Number.NEGATIVE_INFINITY) <= now;
  });
  return { steps: possible, waitingFor };
}

interface ServicePlan {
  steps: Step[];
  waitingFor: string | null;
}

const NOTHING: ServicePlan = { steps: [], waitingFor: null };

function planService(
  service: ServiceSpec,
  desired: DesiredServices,
  observed: Observation,
  known: Known,
  now: number,
): ServicePlan {
  const seen = observed.services[service.name];
  const self = known.services[service.name];
  if (seen === undefined || self === undefined || self.uncertain) return NOTHING;
  const extra = seen.duplicates[0];
  if (extra !== undefined) return only(endDuplicate(service, extra));
  if (seen.container === null) {
    return seen.stranger !== null || !self.wanted
      ? NOTHING
      : planCreation(service, desired, observed, known, now);
  }
  if (seen.container.state === 'removing') return NOTHING;
  const own = isUp(seen.container)
    ? planRunning(service, seen, seen.container, desired, observed, known)
    : planStanding(service, seen, seen.container, desired, observed, known, now);
  return own.steps.length > 0 ? own : { ...own, steps: takeOverRestarts(service, seen.container) };
}

/** One restart authority: what docker compose gave a container must not compete with the daemon. */
function takeOverRestarts(service: ServiceSpec, container: ObservedContainer): Step[] {
  if (container.restartPolicy === 'no' || container.restartPolicy === '') return [];
  const cause = `its restart policy is ${container.restartPolicy}, and the daemon alone restarts`;
  return [{ action: 'setRestartPolicy', service: service.name, containerId: container.id, cause }];
}

function planRunning(
  service: ServiceSpec,
  seen: ServiceObservation,
  container: ObservedContainer,
  desired: DesiredServices,
  observed: Observation,
  known: Known,
): ServicePlan {
  const self = known.services[service.name];
  if (self === undefined) return NOTHING;
  const step = { service: service.name, containerId: container.id };
  const graceMs = graceOf(service, self.serving);
  const stop = (reason: StopReason, cause: string): ServicePlan =>
    only({ ...step, action: 'stopContainer', graceMs, reason, cause });
  if (!self.wanted) return stop('user', 'a user stopped it');
  if (self.restartRequested) return stop('user', 'a user asked for a restart');
  if (self.doomed !== null && self.doomed.containerId === container.id) {
    return only({ ...step, action: 'killContainer', reason: self.doomed.reason, cause: self.doomed.cause });
  }
  const anew = reasonToMakeAnew(service, seen, self, desired);
  if (anew === null) return NOTHING;
  // The old one serves until all its successor needs is there.
  const parts = partsOf(service, desired, known);
  const blocked = parts.waitingFor ?? known.gates[service.name]?.waitingFor ?? null;
  if (blocked !== null || parts.steps.length > 0 || seen.stranger !== null) {
    return { steps: parts.steps, waitingFor: null };
  }
  return mayStartAfter(service, observed, known, self.started) === null ? stop('recreate', anew) : NOTHING;
}

function planStanding(
  service: ServiceSpec,
  seen: ServiceObservation,
  container: ObservedContainer,
  desired: DesiredServices,
  observed: Observation,
  known: Known,
  now: number,
): ServicePlan {
  const self = known.services[service.name];
  if (self === undefined || !self.wanted || self.completed) return NOTHING;
  const step = { service: service.name, containerId: container.id };
  const anew =
    container.state === 'dead'
      ? 'the engine could not end it properly'
      : reasonToMakeAnew(service, seen, self, desired);
  if (anew !== null) {
    const parts = partsOf(service, desired, known);
    if (parts.waitingFor !== null || seen.stranger !== null) return parts;
    const remove: Step = { ...step, action: 'removeContainer', force: false, cause: anew };
    return { steps: [...parts.steps, remove], waitingFor: null };
  }
  if (self.failed) return NOTHING;
  const blocked = blockedBy(service, observed, known, self.started);
  if (blocked !== null) return { steps: [], waitingFor: blocked };
  if (self.notBefore > now) return NOTHING;
  const first = container.state === 'created' && container.startedAt === null;
  const cause = first ? 'its container is new' : startCause(self, container);
  return only({ ...step, action: 'startContainer', cause });
}

function planCreation(
  service: ServiceSpec,
  desired: DesiredServices,
  observed: Observation,
  known: Known,
  now: number,
): ServicePlan {
  const self = known.services[service.name];
  if (self === undefined || self.failed || self.completed) return NOTHING;
  const parts = partsOf(service, desired, known);
  const waitingFor = parts.waitingFor ?? blockedBy(service, observed, known, self.started);
  if (waitingFor !== null || parts.steps.length > 0) return { steps: parts.steps, waitingFor };
  if (self.notBefore > now) return NOTHING;
  const hash = desired.hashes[service.name];
  if (hash === undefined) return NOTHING;
  const cause =
    self.lastExit === '' ? 'there is no container of it' : `its container is gone; ${self.lastExit}`;
  return only({ action: 'createContainer', service, hash, cause });
}

function reasonToMakeAnew(
  service: ServiceSpec,
  seen: ServiceObservation,
  self: KnownService,
  { project, because }: DesiredServices,
): string | null {
  switch (seen.drift) {
    case 'changed':
      return because?.[service.name] ?? 'its part of the compose file has changed';
    case 'other_project': {
      const before = seen.container?.labels[COMPOSE_LABELS.project] ?? 'unknown';
      return `the project of the compose file is called ${project.name} now; it was made when that was ${before}`;
    }
    default:
      return self.recreate;
  }
}

function startCause(self: KnownService, container: ObservedContainer): string {
  if (self.lastExit !== '') return self.lastExit;
  return container.state === 'created' ? 'it has not been started yet' : 'it is wanted and stands still';
}

function graceOf(service: ServiceSpec, serving: boolean): number {
  const served = service.stopGracePeriodMs ?? SERVING_GRACE_MS;
  return serving ? served : Math.min(served, STARTING_GRACE_MS);
}

function endDuplicate(service: ServiceSpec, container: ObservedContainer): Step {
  const step = { service: service.name, containerId: container.id };
  const cause = `a second container of the service, named ${container.name}`;
  return isUp(container)
    ? { ...step, action: 'stopContainer', graceMs: STARTING_GRACE_MS, reason: 'removed', cause }
    : { ...step, action: 'removeContainer', force: true, cause };
}

function stepsForOrphan(container: ObservedContainer): Step[] {
  if (container.state === 'removing') return [];
  const service = container.labels[COMPOSE_LABELS.service] ?? container.name;
  const step = { service, containerId: container.id };
  const cause = 'its service is not in the compose file any more; its data is kept';
  return isUp(container)
    ? [
        {
          ...step,
          action: 'stopContainer',
          graceMs: container.stopGraceMs ?? SERVING_GRACE_MS,
          reason: 'removed',
          cause,
        },
      ]
    : [{ ...step, action: 'removeContainer', force: false, cause }];
}

function only(step: Step): ServicePlan {
  return { steps: [step], waitingFor: null };
}
