import type { ServiceSpec } from '../compose/service-spec.ts';
import type { ObservedContainer } from '../docker/engine.ts';
import type { Observation } from './observe.ts';
import type { Known } from './plan-inputs.ts';

/** A container that has a process, or is about to get one again by the engine. */
export function isUp(container: ObservedContainer): boolean {
  return container.state === 'running' || container.state === 'paused' || container.state === 'restarting';
}

/** What a service waits for outside of its parts: its gate, or a service that must be started first. */
export function blockedBy(
  service: ServiceSpec,
  observed: Observation,
  known: Known,
  started: boolean,
): string | null {
  return known.gates[service.name]?.waitingFor ?? mayStartAfter(service, observed, known, started);
}

/** The service that must be started first; null when none has to. The order is of the first start only. */
export function mayStartAfter(
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
