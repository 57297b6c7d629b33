import type { ObservedContainer } from '../docker/engine.ts';
import { COMPOSE_LABELS, SPEC_HASH_LABEL } from '../docker/labels.ts';
import { imageOf, type Room, setUncertain, unitOf } from './room.ts';
import type { Step } from './step.ts';
import type { Unit } from './unit.ts';
import { endWatch } from './watches.ts';

/** What is known after a step that was made. `id` is that of a new container. */
export function stepMade(room: Room, step: Step, id: string | undefined): void {
  const unit = unitOf(room, step);
  switch (step.action) {
    case 'createNetwork':
      room.networks?.add(step.network.name);
      return;
    case 'createVolume':
      room.volumes?.add(step.volume.name);
      return;
    case 'pullImage': {
      const image = imageOf(room, step.image);
      Object.assign(image, { present: true, fresh: true, failures: 0, finding: null, progress: null });
      return;
    }
    case 'createContainer':
      if (unit !== undefined && id !== undefined) created(room, unit, step, id);
      return;
    case 'startContainer':
      if (unit !== undefined) startedNow(room, unit, step.containerId);
      return;
    case 'stopContainer':
    case 'killContainer':
      room.containers.change(step.containerId, { state: 'exited', pid: 0 });
      if (unit !== undefined) {
        // Its exit is put on record, with the wait that follows from it, before anything else is planned.
        setUncertain(room, unit);
        unit.restartRequested = false;
        unit.doomed = null;
        endWatch(unit);
      }
      return;
    case 'removeContainer':
      room.containers.remove(step.containerId);
      if (unit !== undefined) removed(room, unit, step.containerId);
      return;
    case 'setRestartPolicy':
      room.containers.change(step.containerId, { restartPolicy: 'no' });
      return;
  }
}

function created(
  room: Room,
  unit: Unit,
  step: Extract<Step, { action: 'createContainer' }>,
  id: string,
): void {
  if (room.containers.get(id) === undefined) room.containers.add(newContainer(room, step, id));
  unit.recreate = null;
  unit.refusal = null;
  const memory = room.memory.of(unit.name);
  const run = { containerId: id, finishedAt: null, pending: null, readyRun: null };
  room.memory.set(unit.name, { ...memory, run, expected: null });
}

/** What a container is between its creation and the first look at it. */
function newContainer(
  room: Room,
  step: Extract<Step, { action: 'createContainer' }>,
  id: string,
): ObservedContainer {
  const { service, hash } = step;
  return {
    id,
    name: service.containerName,
    labels: {
      [COMPOSE_LABELS.project]: room.desired?.project.name ?? '',
      [COMPOSE_LABELS.service]: service.name,
      [COMPOSE_LABELS.configFiles]: room.desired?.project.file ?? '',
      [SPEC_HASH_LABEL]: hash,
    },
    image: service.image,
    imageId: '',
    state: 'created',
    exitCode: 0,
    oomKilled: false,
    error: '',
    startedAt: null,
    finishedAt: null,
    createdAt: room.parts.clock.now().toISOString(),
    restartPolicy: 'no',
    health: 'none',
    pid: 0,
    tty: false,
    logDriver: '',
    addresses: {},
    publishedPorts: {},
    mounts: [],
    networkNames: [],
  };
}

function startedNow(room: Room, unit: Unit, containerId: string): void {
  unit.started = true;
  unit.refusals = 0;
  unit.refusal = null;
  unit.foreign = null;
  room.containers.change(containerId, { state: 'running' });
  if (unit.diedDuringStart) setUncertain(room, unit);
  unit.diedDuringStart = false;
}

function removed(room: Room, unit: Unit, containerId: string): void {
  const memory = room.memory.of(unit.name);
  if (memory.run?.containerId !== containerId) return;
  room.memory.set(unit.name, { ...memory, run: null, expected: null });
}
