import type { EngineError } from '../docker/engine.ts';
import { toTimestamp } from '../lib/clock.ts';
import type { Finding } from '../status/problem.ts';
import { healRefusal } from './healing.ts';
import { networkMissing } from './missing-network.ts';
import { classOf } from './problem-code.ts';
import { nameRefusal } from './refusal.ts';
import { callDelayMs, HOST_RECHECK_MS, pullDelayMs, refusalDelayMs } from './restart-policy.ts';
import { imageOf, type Room, setUncertain, unitOf } from './room.ts';
import { formatStep, laneOf, type Step } from './step.ts';
import { rejectActions, type Unit } from './unit.ts';

/** Starts in a row that may find something missing: the second makes the container anew, and what then remains is a refusal. */
const MISSING_SETTLED = 2;

/** What follows from a step that failed: a question to the engine, a rest of its lane, a problem, or all of them. */
export function stepFailed(room: Room, step: Step, error: EngineError, givenUp: boolean): void {
  const unit = unitOf(room, step);
  if (unit !== undefined) {
    setUncertain(room, unit);
    unit.diedDuringStart = false;
  }
  if (step.action === 'createContainer') room.listWanted = true;
  if (step.action === 'pullImage') {
    const image = imageOf(room, step.image);
    image.lookBeforePull = image.present === false;
  }
  if (givenUp) return;
  const lane = laneOf(step);
  const failures = (room.rests.get(lane)?.failures ?? 0) + 1;
  const rest = (delayMs: number, finding: Finding | null = error.finding) =>
    room.rests.set(lane, { failures, at: room.parts.clock.monotonicMs() + delayMs, finding });
  if (error.kind === 'unreachable' || error.kind === 'permission') {
    // The engine's own problem says it once for all services.
    room.link.check();
    rest(callDelayMs(failures), null);
    return;
  }
  if (isHarmless(step, error, unit)) {
    rest(callDelayMs(failures), null);
    settleHarmless(room, step, unit, error);
    return;
  }
  let finding = nameRefusal(error.finding, room.parts.diagnose);
  if (finding.code === 'network_missing' && unit !== undefined) {
    const refusal = networkMissing(room, unit, step.action, finding);
    if (refusal === null) {
      unit.refusals += 1;
      rest(callDelayMs(failures), null);
      return;
    }
    finding = refusal;
  }
  // The problem is told by itself; here only what the engine has said in other words.
  const words = finding.detail === error.finding.detail ? '' : `: ${error.finding.detail}`;
  room.parts.log.info(`${formatStep(step)}: failed: ${finding.code}${words}`);
  switch (step.action) {
    case 'pullImage': {
      const image = imageOf(room, step.image);
      Object.assign(image, { failures: image.failures + 1, finding, progress: null });
      if (image.present === true) image.fresh = true;
      rest(pullDelayMs(image.failures, classOf(finding)), null);
      for (const service of room.desired?.services ?? []) {
        const other = room.units.get(service.name);
        if (service.image === step.image && other !== undefined) rejectActions(other, finding);
      }
      return;
    }
    case 'createContainer':
    case 'startContainer':
      if (unit !== undefined) refuse(room, unit, finding);
      break;
    default:
      rest(callDelayMs(failures), finding);
  }
  if (unit !== undefined) rejectActions(unit, finding);
}

/** Answers that only say that the engine's view differs from ours: look again. */
function isHarmless(step: Step, error: EngineError, unit: Unit | undefined): boolean {
  switch (step.action) {
    case 'pullImage':
      return false;
    case 'createNetwork':
    case 'createVolume':
      return error.kind === 'conflict';
    case 'createContainer':
      return error.kind === 'conflict' || (error.kind === 'not_found' && !isNetwork(error));
    case 'startContainer':
      if (error.kind === 'not_found') return isUnnamed(error) && (unit?.refusals ?? 0) < MISSING_SETTLED;
      return error.kind === 'conflict' || error.kind === 'not_modified';
    default:
      return error.kind === 'conflict' || error.kind === 'not_found' || error.kind === 'not_modified';
  }
}

/** The container, or something that it is connected to; a 404 with a name of its own (no such command) is a refusal. */
function isUnnamed(error: EngineError): boolean {
  return ['engine_call_failed', 'container_start_refused'].includes(error.finding.code);
}

function isNetwork(error: EngineError): boolean {
  return error.finding.code === 'network_missing';
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
        // The container, which the next look shows, or one whose network it shares: then only a new one helps.
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
  healRefusal(room, unit, finding);
  const problemClass = classOf(finding);
  const host = problemClass === 'host';
  unit.refusedUntil = now + (host ? HOST_RECHECK_MS : refusalDelayMs(unit.refusals));
  if (problemClass !== 'fatal') return;
  const { code, detail, remedy } = finding;
  const since = toTimestamp(room.parts.clock.now());
  const failure = { code, detail, class: problemClass, remedy: remedy ?? null, since };
  room.memory.set(unit.name, { ...room.memory.of(unit.name), failure });
}
