import { withDeadline } from '../lib/deadline.ts';
import { errorMessage } from '../lib/errors.ts';
import { callDelayMs } from './restart-policy.ts';
import { asEngineError, type ImageState, imageOf, type Room } from './room.ts';
import { imageLane, type Step, serviceLane } from './step.ts';
import type { Unit } from './unit.ts';

/** Between two lists of all containers, whatever the events say. */
export const RELIST_INTERVAL_MS = 15_000;
/** Shortest time between two lists, so that a burst of events is one list. */
const LIST_PAUSE_MS = 250;
/** The same while containers are made and started: a list looks into each, and the engine answers that after the start only. */
const LIST_PAUSE_OF_STARTS_MS = 2_000;
/** Outer deadline of a question; the client has its own, shorter ones. */
const LOOK_DEADLINE_MS = 30_000;
/** Between two looks for an absent image that nobody pulls. */
export const IMAGE_LOOK_MS = 30_000;
/** Pause before a question is asked again that failed. */
const ASK_AGAIN_MS = 1_000;

const STARTING: ReadonlySet<Step['action']> = new Set([
  'createNetwork',
  'createVolume',
  'createContainer',
  'startContainer',
]);

/** Asks the engine for all containers at the right times. */
export interface Lister {
  /** Monotonic time of the next list. */
  readonly nextAt: number;
  due(now: number): void;
}

/** Makes a lister; `onList` is told after every list that was taken. */
export function createLister(room: Room, intervalMs: number, onList: () => void): Lister {
  let endedAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  let listing = false;
  const nextAt = () => {
    if (listing || room.desired === null) return Number.POSITIVE_INFINITY;
    if (!room.listWanted) return Math.max(notBefore, endedAt + intervalMs);
    return Math.max(notBefore, endedAt + (isStarting(room) ? LIST_PAUSE_OF_STARTS_MS : LIST_PAUSE_MS));
  };

  const list = async () => {
    const desired = room.desired;
    if (desired === null) return;
    const { clock, engine } = room.parts;
    listing = true;
    room.listWanted = false;
    const asked = room.containers.mark();
    const names = desired.services.map((service) => service.containerName);
    try {
      const found = await withDeadline(
        clock,
        'the list of containers',
        LOOK_DEADLINE_MS,
        (signal) => engine.listContainers(desired.project.name, names, signal),
        room.signal,
      );
      if (!room.containers.takeList(found, asked)) room.listWanted = true;
      for (const unit of room.units.values()) if (unit.uncertainAt <= asked) unit.uncertain = false;
      onList();
    } catch (error) {
      if (room.signal.aborted) return;
      room.listWanted = true;
      room.link.check();
      notBefore = clock.monotonicMs() + ASK_AGAIN_MS;
      room.parts.log.debug(`the containers could not be listed: ${errorMessage(error)}`);
    } finally {
      listing = false;
      endedAt = clock.monotonicMs();
    }
    room.wake();
  };

  return {
    get nextAt() {
      return nextAt();
    },
    due(now) {
      if (nextAt() <= now) void list();
    },
  };
}

function isStarting(room: Room): boolean {
  return [...room.lanes.values()].some(({ step }) => STARTING.has(step.action));
}

/** Asks for one container whose state is not certain, or was changed by an event since the last look. */
export function sample(room: Room, unit: Unit, now: number): void {
  const id = room.memory.of(unit.name).run?.containerId;
  if (unit.sampling || unit.sampleAfter > now || room.lanes.has(serviceLane(unit.name))) return;
  const known = id !== undefined && room.containers.get(id) !== undefined;
  if (known && !unit.uncertain && room.containers.isSampled(id)) return;
  if (!known) {
    if (unit.uncertain) room.listWanted = true;
    return;
  }
  const { clock, engine } = room.parts;
  const asked = room.containers.mark();
  unit.sampling = true;
  withDeadline(
    clock,
    `the container of ${unit.name}`,
    LOOK_DEADLINE_MS,
    (signal) => engine.inspectContainer(id, signal),
    room.signal,
  ).then(
    (answer) => {
      unit.sampling = false;
      unit.sampleFailures = 0;
      if (room.containers.takeOne(id, answer, asked) && unit.uncertainAt <= asked) unit.uncertain = false;
      if (answer === null) room.listWanted = true;
      room.wake();
    },
    (error: unknown) => {
      unit.sampling = false;
      if (room.signal.aborted) return;
      unit.sampleFailures += 1;
      unit.sampleAfter = clock.monotonicMs() + callDelayMs(unit.sampleFailures);
      room.link.check();
      room.parts.log.debug(`${unit.name} could not be inspected: ${errorMessage(error)}`);
      room.wake();
    },
  );
}

/** Asks whether an image is there, and again where it was not. */
export function askImage(room: Room, reference: string, now: number): void {
  const image = imageOf(room, reference);
  if (image.asking || !isLookDue(room, reference, image, now)) return;
  const pullIsDue = isPullDue(room, reference, now);
  image.asking = true;
  image.askedAt = now;
  ask(room, `the image ${reference}`, (signal) => room.parts.engine.imageId(reference, signal)).then(
    (id) => {
      image.asking = false;
      image.present = id !== null;
      image.id = id;
      if (pullIsDue || id !== null) image.lookBeforePull = false;
      if (id !== null) Object.assign(image, { failures: 0, finding: null });
      room.wake();
    },
    (error: unknown) => {
      later(room, error, () => {
        image.asking = false;
      });
    },
  );
}

/** What nobody pulls at the moment may be brought by somebody else. */
function isLookDue(room: Room, reference: string, image: ImageState, now: number): boolean {
  if (image.present !== false) return image.present === null;
  if (room.lanes.has(imageLane(reference))) return false;
  const before = image.lookBeforePull && isPullDue(room, reference, now);
  return before || now - image.askedAt >= IMAGE_LOOK_MS;
}

function isPullDue(room: Room, reference: string, now: number): boolean {
  return (room.rests.get(imageLane(reference))?.at ?? now) <= now;
}

/** Asks which networks and volumes there are; a file without any of its own needs no question. */
export function askParts(room: Room): void {
  const project = room.desired?.project;
  if (project === undefined || room.askingParts || (room.networks !== null && room.volumes !== null)) return;
  const { engine } = room.parts;
  const none: Promise<string[]> = Promise.resolve([]);
  room.askingParts = true;
  const needed = (list: readonly { external: boolean }[]) => list.some((part) => !part.external);
  Promise.all([
    needed(project.networks) ? ask(room, 'the networks', (signal) => engine.listNetworks(signal)) : none,
    needed(project.volumes) ? ask(room, 'the volumes', (signal) => engine.listVolumes(signal)) : none,
  ]).then(
    ([networks, volumes]) => {
      room.askingParts = false;
      room.networks = new Set(networks);
      room.volumes = new Set(volumes);
      room.wake();
    },
    (error: unknown) => {
      later(room, error, () => {
        room.askingParts = false;
      });
    },
  );
}

function ask<T>(room: Room, what: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withDeadline(room.parts.clock, what, LOOK_DEADLINE_MS, call, room.signal);
}

/** After a failed question: look at the engine, and let the question be asked again after a pause. */
function later(room: Room, error: unknown, release: () => void): void {
  if (room.signal.aborted) return;
  const failure = asEngineError(error);
  if (failure.kind === 'unreachable' || failure.kind === 'permission') room.link.check();
  room.parts.clock.sleep(ASK_AGAIN_MS, room.signal).then(
    () => {
      release();
      room.wake();
    },
    () => undefined,
  );
}
