import type { PullProgress } from '../docker/engine.ts';
import { execute } from './execute.ts';
import { asEngineError, imageOf, type Room } from './room.ts';
import { formatStep, laneOf, type Step } from './step.ts';
import { stepFailed } from './step-failure.ts';
import { stepMade } from './step-success.ts';

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
  const killed = noteOwnKill(room, step);
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
        killed();
        room.lanes.delete(lane);
        room.rests.delete(lane);
        stepMade(room, step, id);
      },
      (error: unknown) => {
        killed();
        room.lanes.delete(lane);
        if (room.signal.aborted) return;
        stepFailed(room, step, asEngineError(error), controller.signal.aborted);
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
  const { containerId, reason, cause } = step;
  room.memory.set(step.service, { ...memory, expected: { containerId, reason, until, cause } });
}

/** Remembers since when a kill is ours; what it returns is called when the engine has answered. */
function noteOwnKill(room: Room, step: Step): () => void {
  const unit =
    step.action === 'stopContainer' || step.action === 'killContainer'
      ? room.units.get(step.service)
      : undefined;
  if (unit === undefined) return () => undefined;
  const wallMs = () => room.parts.clock.now().getTime();
  const fromMs = wallMs();
  unit.ownKill = { fromMs, untilMs: Number.POSITIVE_INFINITY };
  return () => {
    unit.ownKill = { fromMs, untilMs: wallMs() };
  };
}

function onProgress(room: Room, image: string, progress: PullProgress): void {
  imageOf(room, image).progress = progress;
  room.wake();
}
