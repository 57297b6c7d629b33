import { giveUp } from './lanes.ts';
import { withFreshAttempts } from './memory.ts';
import type { ServiceObservation } from './observe.ts';
import { isUp } from './plan-order.ts';
import { lookForImage, type Room } from './room.ts';
import { imageLane, serviceLane } from './step.ts';
import { ServiceActionError } from './types.ts';
import { clearWaits, type PendingAction, rejectActions, type Unit } from './unit.ts';

/** What a user may ask of a service. */
export type ActionKind = PendingAction['kind'];

/**
 * Takes a user's action: writes the intent down first, gives up background work that is in its way, and settles when
 * the service is where the user wants it.
 */
export function act(room: Room, kind: ActionKind, name: string): Promise<void> {
  const unit = room.units.get(name);
  if (unit === undefined) {
    const known = [...room.units.keys()].join(', ') || 'none';
    return Promise.reject(
      new ServiceActionError('unknown_service', `there is no service ${name}; known are: ${known}`),
    );
  }
  for (const earlier of unit.actions.splice(0)) {
    earlier.reject(new ServiceActionError('superseded', `${kind} of ${name} was asked for meanwhile`));
  }
  room.parts.log.info(`a user asked to ${kind} ${name}`);
  const memory = room.memory.of(name);
  if (kind === 'stop') {
    room.memory.set(name, { ...memory, wanted: false });
  } else {
    room.memory.set(name, { ...withFreshAttempts(memory), wanted: true });
    clearWaits(unit, room.parts.clock.monotonicMs());
    room.rests.delete(serviceLane(name));
    const image = room.desired?.services.find((service) => service.name === name)?.image;
    if (image !== undefined) lookForImage(room, image);
    const run = memory.run;
    const container = run === null ? undefined : room.containers.get(run.containerId);
    unit.restartRequested = kind === 'restart' && container !== undefined && isUp(container);
  }
  if (kind === 'stop') unit.restartRequested = false;
  preempt(room, kind, unit);
  const written = room.memory.save();
  const settled = new Promise<void>((resolve, reject) => {
    unit.actions.push({ kind, resolve, reject });
  });
  settled.catch(() => undefined);
  room.wake();
  return written.then(() => settled);
}

/** A create, start or pull that the user does not want any more is given up; a stop under way is let go on. */
function preempt(room: Room, kind: ActionKind, unit: Unit): void {
  const lane = serviceLane(unit.name);
  const work = room.lanes.get(lane)?.step.action;
  const stopping = work === 'stopContainer' || work === 'killContainer' || work === 'removeContainer';
  if (work !== undefined && !stopping && kind !== 'start') giveUp(room, lane);
  if (kind !== 'stop') return;
  const image = room.desired?.services.find((service) => service.name === unit.name)?.image;
  const others = (room.desired?.services ?? []).filter(
    (service) => service.image === image && room.memory.of(service.name).wanted,
  );
  if (image !== undefined && others.length === 0) giveUp(room, imageLane(image));
}

/** Settles the actions whose end is reached. */
export function settleActions(
  room: Room,
  unit: Unit,
  seen: ServiceObservation | undefined,
  waitingFor: string | null,
): void {
  if (unit.actions.length === 0) return;
  if (room.link.reachable === false && room.link.finding !== null) {
    rejectActions(unit, room.link.finding);
    return;
  }
  if (room.link.unsupported !== null) {
    rejectActions(unit, room.link.unsupported);
    return;
  }
  if (unit.uncertain || room.lanes.has(serviceLane(unit.name))) return;
  const up = seen?.container !== undefined && seen.container !== null && isUp(seen.container);
  const waits = waitingFor !== null && waitingFor !== 'docker';
  const done = (kind: ActionKind): boolean => {
    if (kind === 'stop') return !up;
    return (up && !unit.restartRequested) || (!up && waits) || unit.completed;
  };
  if (seen?.stranger && !up && unit.actions.some((action) => action.kind !== 'stop')) {
    rejectActions(unit, { code: 'name_taken', detail: seen.stranger.owner });
    return;
  }
  const open = unit.actions.splice(0);
  for (const action of open) {
    if (done(action.kind)) action.resolve();
    else unit.actions.push(action);
  }
}
