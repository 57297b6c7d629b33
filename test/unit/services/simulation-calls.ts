import { StatusError, toEngineError } from '../../../src/docker/errors.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import {
  engineError,
  type ScriptedCall,
  type ScriptedContainer,
  type Treatment,
} from '../../support/scripted-engine.ts';
import { type BadCall, NAMES, type Name } from './simulation-faults.ts';
import type { Ground } from './simulation-ground.ts';

const CALL_DEADLINE_MS = 20_000;
/** How much of what goes wrong with calls goes wrong with the next one. */
const BAD_SHARE = 0.7;

/** Calls that end a container, and those that change one. */
const ENDING = ['stopContainer', 'killContainer', 'removeContainer'];
const CHANGING = [...ENDING, 'startContainer', 'setRestartPolicy'];

/** Every call of the daemon passes here: it is judged, and then it is done, refused, lost or late. */
export interface CallDesk {
  /** `life` counts the lives of the daemon; `diesNow` is true when it dies of this call. */
  attend(life: () => number, diesNow: () => boolean): void;
}

/** Lets the engine of this ground ask what becomes of each call. */
export function createCallDesk(ground: Ground): CallDesk {
  const { engine, oracles, troubles, chance, fail, trace, nameOf } = ground;
  let lifeNow = () => 0;
  let diesNow = () => false;

  const treat = (call: ScriptedCall): Treatment => {
    trace(`call ${call.name} ${call.container} ${call.object.slice(0, 5)}`);
    const target = engine.containers.get(call.object);
    const name = nameOf(target) ?? NAMES.find((other) => call.object === `ai-sandbox-${other}`) ?? null;
    judge(call, name, target);
    if (call.name === 'stopContainer' && target !== undefined) {
      ground.noteOf(target).stopping = true;
      // Who asks a container to stop whose end it has not seen yet takes that end for an answer too.
      if (name !== null && target.facts.state === 'exited') oracles[name].unseen();
    }
    if (call.name === 'startContainer' && target !== undefined) ground.noteOf(target).stopping = false;
    const treatment = badTreatment(call) ?? refusal(call, name) ?? usual();
    if (diesNow()) return { ...usual(), lost: fate() };
    return treatment;
  };
  const fate = () => {
    const lost = chance() < 0.5;
    return () => lost;
  };
  /** What is under way when its daemon dies may be lost. */
  const usual = (): Extract<Treatment, { kind: 'answer' }> => {
    const born = lifeNow();
    const lost = fate();
    return {
      kind: 'answer',
      afterMs: 1 + Math.floor(chance() * 20),
      thenMs: Math.floor(chance() * 40),
      lost: () => lifeNow() !== born && lost(),
    };
  };
  const badTreatment = (call: ScriptedCall): Treatment | null => {
    const bad = troubles.calls;
    if (bad === null || bad.count <= 0 || chance() >= BAD_SHARE) return null;
    bad.count -= 1;
    ground.unsettle();
    const treatment = treatmentOf(bad.how, chance);
    trace(`goes wrong: ${bad.how}`);
    // An engine that does not answer whether it is there counts as away, and may be blamed for an unseen exit.
    if (call.name === 'info' && bad.how !== 'fail' && bad.how !== 'conflict') ground.loseEngine();
    const name = nameOf(engine.containers.get(call.object));
    if (bad.how === 'fail' && call.name === 'startContainer' && name !== null) noteRefusal(name);
    return treatment;
  };
  /** One that comes back from a loss begins to count anew, and the loss may not be noticed yet. */
  const noteRefusal = (name: Name) => {
    if (!ground.isAway()) oracles[name].refused();
  };
  /** What an engine refuses for a reason. */
  const refusal = (call: ScriptedCall, name: Name | null): Treatment | null => {
    if (call.name === 'pullImage') {
      const other = NAMES.find((candidate) => call.object === `image-${candidate}`);
      if (other === undefined || troubles.failingPulls[other] <= 0) return null;
      troubles.failingPulls[other] -= 1;
      return {
        kind: 'fail',
        afterMs: 100,
        error: engineError('in_band', { code: chance() < 0.5 ? 'registry_unreachable' : 'image_not_found' }),
      };
    }
    if (call.name !== 'startContainer' || name === null) return null;
    const container = engine.containers.get(call.object);
    if (container !== undefined && ground.isConnectedToNothing(container)) {
      const words = new StatusError(404, 'network 5eed5eed5eed not found');
      const error = toEngineError(words, 'start', `starting ${name}`, createRedactor([]));
      return { kind: 'fail', afterMs: 5, error };
    }
    if (troubles.refusedStarts[name] <= 0) return null;
    troubles.refusedStarts[name] -= 1;
    noteRefusal(name);
    return { kind: 'fail', afterMs: 5, error: engineError('refused', { code: 'port_in_use' }) };
  };
  /** Every call that changes something is judged against what the simulation knows. */
  const judge = (call: ScriptedCall, name: Name | null, target: ScriptedContainer | undefined) => {
    if (target !== undefined && name === null && CHANGING.includes(call.name)) {
      fail(`${call.name} of a container that is none of ours: ${target.facts.name}`);
    }
    if (name === null || target === undefined) return;
    const others = ground.containersOf(name).filter((other) => other !== target);
    if (call.name === 'startContainer') {
      oracles[name].judgeStart(target);
      const running = others.find(({ facts }) => facts.state === 'running');
      if (running !== undefined && ground.isSettled(running))
        fail(`a second container of ${name} was started`);
    }
    if (!ENDING.includes(call.name)) return;
    // Of two that run one must go, and it is not the one that has our name.
    const spare = others.some(ground.seemsToRun);
    if (spare && target.facts.name !== `ai-sandbox-${name}`) return;
    oracles[name].judgeTouch(call.name, target, ground.isOfOtherFile(name, target));
  };

  return {
    attend(life, dies) {
      lifeNow = life;
      diesNow = dies;
      engine.landsAnyway = () => chance() < 0.5;
      engine.treat = treat;
    },
  };
}

function treatmentOf(how: BadCall, chance: () => number): Treatment {
  switch (how) {
    case 'fail':
      return { kind: 'fail', afterMs: 5, error: engineError('refused') };
    case 'conflict':
      return { kind: 'fail', afterMs: 5, error: engineError('conflict') };
    case 'slow':
      return { kind: 'answer', afterMs: 500 + Math.floor(chance() * 9_000) };
    case 'hang':
      return { kind: 'hang', deadlineMs: CALL_DEADLINE_MS };
    case 'deaf':
      return { kind: 'deaf', afterMs: Math.floor(chance() * 3_000), deadlineMs: CALL_DEADLINE_MS };
  }
}
