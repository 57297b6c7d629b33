import type { EngineEvent, ObservedContainer } from '../docker/engine.ts';
import { noteExit } from './exit-desk.ts';
import { endsContainer } from './exits.ts';
import { isOwn } from './observe.ts';
import { isUp } from './plan-order.ts';
import type { Room } from './room.ts';
import { serviceLane } from './step.ts';
import type { Unit } from './unit.ts';

/** A JavaScript date has whole milliseconds, the engine's time is finer. */
const CLOCK_GRAIN_MS = 1;

/** Takes an event for what it is: a wake-up with a hint. Whatever it says is confirmed by the next look. */
export function takeEvent(room: Room, event: EngineEvent): void {
  if (event.type !== 'container') return;
  const container = room.containers.get(event.containerId);
  if (container === undefined) {
    if (isOfInterest(room, event) && !isOwnCreation(room, event)) room.listWanted = true;
    return;
  }
  const unit = followedBy(room, container.id);
  const [action = '', health = ''] = event.action.split(': ');
  switch (action) {
    case 'die':
      died(room, unit, container, event);
      return;
    case 'start':
      if (unit !== undefined) unit.oomAt = null;
      if (!isUp(container)) room.containers.change(container.id, { state: 'running' });
      return;
    case 'kill':
      killed(room, unit, container, event);
      return;
    case 'oom':
      if (unit !== undefined) unit.oomAt = room.parts.clock.monotonicMs();
      return;
    case 'destroy':
      room.containers.remove(container.id);
      return;
    case 'health_status':
      if (health === 'healthy' || health === 'unhealthy') room.containers.change(container.id, { health });
      return;
    case 'pause':
    case 'unpause':
    case 'rename':
    case 'update':
      room.containers.change(container.id, {});
      return;
    default:
      return;
  }
}

function died(room: Room, unit: Unit | undefined, container: ObservedContainer, event: EngineEvent): void {
  const work = unit === undefined ? undefined : room.lanes.get(serviceLane(unit.name))?.step;
  if (unit !== undefined && work?.action === 'startContainer' && work.containerId === container.id) {
    // The end of this run, or the late word of an earlier one: the engine is asked when the start has come back.
    unit.diedDuringStart = true;
    return;
  }
  if (!isUp(container)) return;
  const code = Number.parseInt(event.attributes['exitCode'] ?? '', 10);
  const exitCode = Number.isInteger(code) ? code : null;
  room.containers.change(container.id, { state: 'exited', exitCode: exitCode ?? 0, pid: 0 });
  if (unit === undefined) return;
  noteExit(room, unit, container, { exitCode, oomKilled: false, finishedAt: null, firstSight: false });
}

function killed(room: Room, unit: Unit | undefined, container: ObservedContainer, event: EngineEvent): void {
  if (unit === undefined) return;
  const signal = event.attributes['signal'];
  const service = room.desired?.services.find((other) => other.name === unit.name);
  if (isOurKill(room, unit, event) || room.memory.of(unit.name).expected?.containerId === container.id)
    return;
  if (!endsContainer(signal, service?.stopSignal ?? null)) return;
  unit.foreign = { signal: signal ?? 'unknown', at: room.parts.clock.monotonicMs() };
}

/** The word of our own stop may come when the container runs again: it counts when it was said, not when it comes. */
function isOurKill(room: Room, unit: Unit, event: EngineEvent): boolean {
  const work = room.lanes.get(serviceLane(unit.name))?.step.action;
  if (work === 'stopContainer' || work === 'killContainer') return true;
  const { ownKill } = unit;
  if (ownKill === null || event.atMs === null) return false;
  return event.atMs >= ownKill.fromMs - CLOCK_GRAIN_MS && event.atMs <= ownKill.untilMs + CLOCK_GRAIN_MS;
}

/** A container that may be one of ours or may hold one of our names. */
function isOfInterest(room: Room, event: EngineEvent): boolean {
  const { desired } = room;
  if (desired === null || !['create', 'start', 'destroy', 'rename'].includes(event.action)) return false;
  if (isOwn(event.attributes, desired.project)) return true;
  const name = event.attributes['name'];
  return event.action === 'rename' || desired.services.some((service) => service.containerName === name);
}

/** The word of a container that we are making: our own call tells more, and a list would slow down its start. */
function isOwnCreation(room: Room, event: EngineEvent): boolean {
  if (event.action !== 'create') return false;
  const service = room.desired?.services.find((other) => other.containerName === event.attributes['name']);
  if (service === undefined) return false;
  return room.lanes.get(serviceLane(service.name))?.step.action === 'createContainer';
}

function followedBy(room: Room, containerId: string): Unit | undefined {
  for (const unit of room.units.values()) {
    if (room.memory.of(unit.name).run?.containerId === containerId) return unit;
  }
  return undefined;
}
