import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { ObservedContainer } from '../docker/engine.ts';
import { COMPOSE_LABELS } from '../docker/labels.ts';
import type { DesiredServices, Observation, ServiceObservation } from './observe.ts';
import type { Known, KnownService } from './plan-inputs.ts';
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

/** A container that has a process, or is about to get one again by the engine. */
export function isUp(container: ObservedContainer): boolean {
  return container.state === 'running' || container.state === 'paused' || container.state === 'restarting';
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
  const anew = reasonToMakeAnew(seen, self);
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
    container.state === 'dead' ? 'the engine could not end it properly' : reasonToMakeAnew(seen, self);
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

/** Image, networks and volumes of a service: the steps to get them, and `image` while that one is not there. */
function partsOf(service: ServiceSpec, desired: DesiredServices, known: Known): ServicePlan {
  const steps: Step[] = [];
  const image = known.images[service.image];
  if (image === 'missing' || image === 'refresh') {
    const cause =
      image === 'missing' ? `${service.name} needs it and it is not there` : `${service.name} wants it fresh`;
    if (service.pullPolicy !== 'never') steps.push({ action: 'pullImage', image: service.image, cause });
  }
  for (const network of networksOf(service, desired.project)) {
    if (known.networks === null || network.external || known.networks.has(network.name)) continue;
    steps.push({ action: 'createNetwork', network, cause: `${service.name} joins it and it is not there` });
  }
  for (const volume of volumesOf(service, desired.project)) {
    if (known.volumes === null || volume.external || known.volumes.has(volume.name)) continue;
    steps.push({
      action: 'createVolume',
      volume,
      cause: `${service.name} keeps data in it and it is not there`,
    });
  }
  const unasked = image === undefined || known.networks === null || known.volumes === null;
  const waitingFor = image === 'missing' || image === 'refresh' ? 'image' : unasked ? 'docker' : null;
  return { steps, waitingFor };
}

function networksOf(service: ServiceSpec, project: ComposeProject): ComposeProject['networks'] {
  const keys = new Set(service.networks.map((attachment) => attachment.network));
  return service.networkMode === null ? project.networks.filter((network) => keys.has(network.key)) : [];
}

function volumesOf(service: ServiceSpec, project: ComposeProject): ComposeProject['volumes'] {
  const keys = new Set(service.mounts.map((mount) => (mount.kind === 'volume' ? mount.source : null)));
  return project.volumes.filter((volume) => keys.has(volume.key));
}

function blockedBy(
  service: ServiceSpec,
  observed: Observation,
  known: Known,
  started: boolean,
): string | null {
  return known.gates[service.name]?.waitingFor ?? mayStartAfter(service, observed, known, started);
}

/** The service that must be started first; null when none has to. The order is of the first start only. */
function mayStartAfter(
  service: ServiceSpec,
  observed: Observation,
  known: Known,
  started: boolean,
): string | null {
  if (started) return null;
  for (const { service: name, condition } of dependenciesOf(service)) {
    const other = known.services[name];
    const seen = observed.services[name];
    if (other === undefined || seen === undefined || !other.wanted) continue;
    const up = seen.container !== null && isUp(seen.container);
    const done = {
      service_started: up || other.completed,
      service_healthy: known.ready.has(name),
      service_completed_successfully: other.completed,
    };
    if (!done[condition]) return name;
  }
  return null;
}

/** `depends_on`, and the service whose network is shared. */
function dependenciesOf(service: ServiceSpec): ServiceSpec['dependsOn'] {
  const shared = /^service:(.+)$/.exec(service.networkMode ?? '')?.[1];
  return shared === undefined
    ? service.dependsOn
    : [...service.dependsOn, { service: shared, condition: 'service_started' }];
}

function reasonToMakeAnew(seen: ServiceObservation, self: KnownService): string | null {
  if (seen.drift === 'changed') return 'its part of the compose file has changed';
  return self.recreate;
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
    ? [{ ...step, action: 'stopContainer', graceMs: SERVING_GRACE_MS, reason: 'removed', cause }]
    : [{ ...step, action: 'removeContainer', force: false, cause }];
}

function only(step: Step): ServicePlan {
  return { steps: [step], waitingFor: null };
}
