import type { EngineError, ObservedContainer, PullProgress } from '../docker/engine.ts';
import { COMPOSE_LABELS, SPEC_HASH_LABEL } from '../docker/labels.ts';
import { toTimestamp } from '../lib/clock.ts';
import type { Finding } from '../status/problem.ts';
import { execute } from './execute.ts';
import { classOf } from './problem-code.ts';
import { callDelayMs, HOST_RECHECK_MS, pullDelayMs, refusalDelayMs } from './restart-policy.ts';
import { asEngineError, imageOf, type Room, setUncertain } from './room.ts';
import { formatStep, laneOf, type Step } from './step.ts';
import { rejectActions, type Unit } from './unit.ts';
import { endWatch } from './watches.ts';

/** How much longer than its grace a stop of ours explains an exit. */
const EXPECTED_MARGIN_MS = 60_000;

/** The reason of an abort by a user's action. */
class GivenUp extends Error {}

/** Makes a step in its lane; the engine's call leaves before this returns. False when it cannot be made yet. */
export function launch(room: Room, step: Step): boolean {
  const lane = laneOf(step);
  const { project } = room.desired ?? {};
  const apiVersion = room.link.info?.apiVersion;
  if (room.lanes.has(lane) || project === undefined) return false;
  if (step.action === 'createContainer' && apiVersion === undefined) return false;
  expect(room, step);
  const controller = new AbortController();
  const context = {
    engine: room.parts.engine,
    project,
    apiVersion: apiVersion ?? '',
    createRequest: room.parts.createRequest,
    imageId: (reference: string) => room.images.get(reference)?.id ?? null,
    onPullProgress: (image: string, progress: PullProgress) => onProgress(room, image, progress),
  };
  let call: Promise<string | undefined>;
  try {
    call = execute(step, context, controller.signal);
  } catch (error) {
    call = Promise.reject(error);
  }
  room.parts.log.info(formatStep(step));
  const done = call
    .then(
      (id) => {
        room.lanes.delete(lane);
        room.rests.delete(lane);
        onSuccess(room, step, id);
      },
      (error: unknown) => {
        room.lanes.delete(lane);
        if (room.signal.aborted) return;
        onFailure(room, step, asEngineError(error), controller.signal.aborted);
      },
    )
    .then(() => room.wake());
  room.lanes.set(lane, { step, controller, done });
  return true;
}

/** Gives up what is under way in a lane, because a user's action goes first. */
export function giveUp(room: Room, lane: string): void {
  room.lanes.get(lane)?.controller.abort(new GivenUp());
}

/** Remembers that the exit to come is ours, before the call leaves. */
function expect(room: Room, step: Step): void {
  if (step.action !== 'stopContainer' && step.action !== 'killContainer') return;
  const memory = room.memory.of(step.service);
  if (memory.run?.containerId !== step.containerId) return;
  const graceMs = step.action === 'stopContainer' ? step.graceMs : 0;
  const until = new Date(room.parts.clock.now().getTime() + graceMs + EXPECTED_MARGIN_MS).toISOString();
  const { containerId, reason } = step;
  room.memory.set(step.service, { ...memory, expected: { containerId, reason, until } });
}

function onProgress(room: Room, image: string, progress: PullProgress): void {
  imageOf(room, image).progress = progress;
  room.wake();
}

function unitOf(room: Room, step: Step): Unit | undefined {
  if (!('service' in step)) return undefined;
  return room.units.get(typeof step.service === 'string' ? step.service : step.service.name);
}

function onSuccess(room: Room, step: Step, id: string | undefined): void {
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

function onFailure(room: Room, step: Step, error: EngineError, givenUp: boolean): void {
  const unit = unitOf(room, step);
  if (unit !== undefined) {
    setUncertain(room, unit);
    unit.diedDuringStart = false;
  }
  if (step.action === 'createContainer') room.listWanted = true;
  if (givenUp) return;
  const lane = laneOf(step);
  const failures = (room.rests.get(lane)?.failures ?? 0) + 1;
  const rest = (delayMs: number, finding: Finding | null = error.finding) =>
    room.rests.set(lane, { failures, at: room.parts.clock.monotonicMs() + delayMs, finding });
  if (error.kind === 'unreachable' || error.kind === 'permission') {
    room.link.check();
    rest(callDelayMs(failures));
    return;
  }
  if (isHarmless(step, error)) {
    rest(callDelayMs(failures), null);
    settleHarmless(room, step, unit, error);
    return;
  }
  room.parts.log.warn(`${formatStep(step)}: failed: ${error.finding.detail}`);
  switch (step.action) {
    case 'pullImage': {
      const image = imageOf(room, step.image);
      Object.assign(image, { failures: image.failures + 1, finding: error.finding, progress: null });
      if (image.present === true) image.fresh = true;
      rest(pullDelayMs(image.failures, classOf(error.finding)), null);
      for (const service of room.desired?.services ?? []) {
        const other = room.units.get(service.name);
        if (service.image === step.image && other !== undefined) rejectActions(other, error.finding);
      }
      return;
    }
    case 'createContainer':
    case 'startContainer':
      if (unit !== undefined) refuse(room, unit, error.finding);
      break;
    default:
      rest(callDelayMs(failures));
  }
  if (unit !== undefined) rejectActions(unit, error.finding);
}

/** Answers that only say that the engine's view differs from ours: look again. */
function isHarmless(step: Step, error: EngineError): boolean {
  switch (step.action) {
    case 'pullImage':
      return false;
    case 'createNetwork':
    case 'createVolume':
      return error.kind === 'conflict';
    case 'createContainer':
      return error.kind === 'conflict' || error.kind === 'not_found';
    case 'startContainer':
      return error.kind === 'conflict' || error.kind === 'not_modified' || isMissingPart(error);
    default:
      return error.kind === 'conflict' || error.kind === 'not_found' || error.kind === 'not_modified';
  }
}

/** The container or a network of it is gone; a 404 with a name of its own (no such command) is a refusal. */
function isMissingPart(error: EngineError): boolean {
  const unnamed = ['engine_call_failed', 'container_start_refused'].includes(error.finding.code);
  return error.kind === 'not_found' && unnamed;
}

function settleHarmless(room: Room, step: Step, unit: Unit | undefined, error: EngineError): void {
  room.containers.change('containerId' in step ? step.containerId : '', {});
  switch (step.action) {
    case 'createNetwork':
      room.networks?.add(step.network.name);
      return;
    case 'createVolume':
      room.volumes?.add(step.volume.name);
      return;
    case 'createContainer':
      // A part of it went away since it was asked for, or the name is held by a container not listed yet.
      room.images.delete(step.service.image);
      room.networks = null;
      room.volumes = null;
      return;
    case 'startContainer':
      if (error.kind === 'not_modified') room.rests.delete(laneOf(step));
      if (unit !== undefined && error.kind === 'not_found') {
        // The container, which the next look shows, or a network of it: then only a new one helps.
        if (unit.refusals > 0) unit.recreate = 'the engine does not find what it is connected to';
        unit.refusals += 1;
      }
      return;
    default:
      room.listWanted = true;
  }
}

/** The engine did not start it: its words are the problem, its class decides the pace. */
function refuse(room: Room, unit: Unit, finding: Finding): void {
  const now = room.parts.clock.monotonicMs();
  unit.refusals += 1;
  unit.refusal = finding;
  const problemClass = classOf(finding);
  const host = problemClass === 'host';
  unit.refusedUntil = now + (host ? HOST_RECHECK_MS : refusalDelayMs(unit.refusals));
  if (problemClass !== 'fatal') return;
  const { code, detail, remedy } = finding;
  const since = toTimestamp(room.parts.clock.now());
  const failure = { code, detail, class: problemClass, remedy: remedy ?? null, since };
  room.memory.set(unit.name, { ...room.memory.of(unit.name), failure });
}
