import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import { parseSpecHash } from '../compose/spec-hash.ts';
import type { ObservedContainer } from '../docker/engine.ts';
import { COMPOSE_LABELS, SPEC_HASH_LABEL } from '../docker/labels.ts';

/**
 * How a container differs from the file: one that is `changed`, or was made when the project of the file had another name, is
 * made anew; one of another hash version or without a hash of ours (made by docker compose) is adopted as it is.
 */
export type Drift = 'none' | 'changed' | 'other_project' | 'other_version' | 'no_hash';

/** What the engine has of one service. */
export interface ServiceObservation {
  /** The container that is the service. */
  container: ObservedContainer | null;
  drift: Drift;
  /** Further containers with the labels of the service, which must go. */
  duplicates: ObservedContainer[];
  /** A container of another owner that has the name; never touched. */
  stranger: { id: string; owner: string } | null;
}

/** The desired state as the room uses it: overrides applied, hashes made. */
export interface DesiredServices {
  project: ComposeProject;
  services: ServiceSpec[];
  /** Spec-hash by service. */
  hashes: Record<string, string>;
  /** Spec-hash of another form that is left as it is, by service. */
  accepted?: Record<string, string>;
  /** Why a service has changed, by name, where that is not the compose file. */
  because?: Record<string, string>;
}

/** All that a plan needs of the engine's containers. */
export interface Observation {
  services: Record<string, ServiceObservation>;
  /** Containers that we made for services which left the file. */
  orphans: ObservedContainer[];
}

/** Sorts the engine's containers by the services of the file. Pure. */
export function observe(desired: DesiredServices, containers: Iterable<ObservedContainer>): Observation {
  const all = [...containers].filter((container) => container.labels[COMPOSE_LABELS.oneOff] !== 'True');
  const own = all.filter((container) => isOwn(container.labels, desired.project));
  const names = new Set(desired.services.map((service) => service.name));
  const services: Record<string, ServiceObservation> = {};
  for (const service of desired.services) {
    const mine = own.filter((container) => container.labels[COMPOSE_LABELS.service] === service.name);
    const container = mine.toSorted((a, b) => rank(b, service) - rank(a, service) || newest(a, b))[0] ?? null;
    const holder = all.find((other) => other.name === service.containerName);
    services[service.name] = {
      container,
      drift:
        container === null
          ? 'none'
          : driftOf(
              container,
              desired.project.name,
              desired.hashes[service.name],
              desired.accepted?.[service.name],
            ),
      duplicates: mine.filter((other) => other !== container),
      stranger:
        holder === undefined || mine.includes(holder)
          ? null
          : { id: holder.id, owner: ownerOf(holder, desired.project.name) },
    };
  }
  return {
    services,
    orphans: own.filter(
      (container) =>
        container.labels[SPEC_HASH_LABEL] !== undefined &&
        !names.has(container.labels[COMPOSE_LABELS.service] ?? ''),
    ),
  };
}

/** Whether it belongs to the project, or was made by us for the same file when its project had another name. */
export function isOwn(
  labels: Readonly<Record<string, string>>,
  project: Pick<ComposeProject, 'name' | 'file'>,
): boolean {
  if (labels[COMPOSE_LABELS.project] === project.name) return true;
  return labels[SPEC_HASH_LABEL] !== undefined && labels[COMPOSE_LABELS.configFiles] === project.file;
}

/** Whether a container has to be replaced by one that is as the file says. */
export function isOutdated(drift: Drift): boolean {
  return drift === 'changed' || drift === 'other_project';
}

/** The container of our name before others, a running one before one that stands. */
function rank(container: ObservedContainer, service: ServiceSpec): number {
  return (container.state === 'running' ? 2 : 0) + (container.name === service.containerName ? 1 : 0);
}

function newest(a: ObservedContainer, b: ObservedContainer): number {
  return b.createdAt.localeCompare(a.createdAt) || a.id.localeCompare(b.id);
}

function driftOf(
  container: ObservedContainer,
  project: string,
  hash: string | undefined,
  accepted?: string,
): Drift {
  if (container.labels[COMPOSE_LABELS.project] !== project) return 'other_project';
  const made = container.labels[SPEC_HASH_LABEL];
  if (made === undefined) return 'no_hash';
  if (made === hash || made === accepted || hash === undefined) return 'none';
  return parseSpecHash(made)?.version === parseSpecHash(hash)?.version ? 'changed' : 'other_version';
}

function ownerOf(container: ObservedContainer, project: string): string {
  const owner = container.labels[COMPOSE_LABELS.project];
  if (owner === undefined) return 'it carries no compose labels';
  const service = container.labels[COMPOSE_LABELS.service] ?? '?';
  return owner === project
    ? `it belongs to the service ${service} of this project`
    : `it belongs to the compose project ${owner}`;
}
