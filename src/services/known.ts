import type { ServiceSpec } from '../compose/service-spec.ts';
import { retriesSlowly } from './memory.ts';
import { type DesiredServices, isOutdated, type Observation } from './observe.ts';
import type { ImageKnowledge, Known, KnownService } from './plan-inputs.ts';
import type { Room } from './room.ts';
import { imageLane } from './step.ts';
import type { Unit } from './unit.ts';

/** Everything the plan has to know, as values. */
export function knownOf(room: Room, desired: DesiredServices, seen: Observation): Known {
  const services: Record<string, KnownService> = {};
  const images: Record<string, ImageKnowledge> = {};
  const ready = new Set<string>();
  for (const service of desired.services) {
    const unit = room.units.get(service.name);
    if (unit === undefined) continue;
    services[service.name] = knownService(room, unit);
    if (unit.watch?.ready === true) ready.add(service.name);
    const image = imageKnowledge(room, service, seen);
    if (image !== undefined && images[service.image] !== 'refresh') images[service.image] = image;
  }
  const retryAt: Record<string, number> = {};
  for (const [lane, rest] of room.rests) retryAt[lane] = rest.at;
  // The look goes first: somebody may have brought the image since its last pull failed.
  for (const [reference, image] of room.images) {
    if (image.lookBeforePull) retryAt[imageLane(reference)] = Number.POSITIVE_INFINITY;
  }
  const { gates, networks, volumes } = room;
  return { services, images, networks, volumes, gates, ready, retryAt };
}

/** When a service may be started: after the wait of its restart and that of a refusal. */
export function notBeforeOf(unit: Unit): number {
  return Math.max(unit.restartAt, unit.refusedUntil);
}

function knownService(room: Room, unit: Unit): KnownService {
  const memory = room.memory.of(unit.name);
  const exit = memory.history.at(-1);
  return {
    wanted: memory.wanted,
    failed: memory.failure !== null && !retriesSlowly(memory.failure),
    notBefore: notBeforeOf(unit),
    serving: unit.watch?.wasReady === true,
    started: unit.started,
    uncertain: unit.uncertain,
    restartRequested: unit.restartRequested,
    doomed: unit.doomed,
    recreate: unit.recreate,
    completed: unit.completed,
    lastExit: exit === undefined ? '' : `it ${exit.cause}`,
  };
}

function imageKnowledge(room: Room, service: ServiceSpec, seen: Observation): ImageKnowledge | undefined {
  const image = room.images.get(service.image);
  if (image === undefined || image.present === null) return undefined;
  if (!image.present) return 'missing';
  const { container = null, drift = 'none' } = seen.services[service.name] ?? {};
  const toBeMade = container === null || isOutdated(drift);
  return service.pullPolicy === 'always' && !image.fresh && toBeMade ? 'refresh' : 'present';
}
