import type { Diagnosis } from '../diagnosis/types.ts';
import type { Finding } from '../status/problem.ts';
import type { Room } from './room.ts';
import type { Heal } from './types.ts';
import type { Unit } from './unit.ts';

/** What a way of healing is found by. */
type Cause = Pick<Diagnosis, 'code' | 'values'>;

/** A port may come free a moment after its container has ended: only then is it left over. */
const REFUSALS_BEFORE_ENGINE_RESTART = 3;

/** Smallest context that is worth serving, in tokens: below that a chat has no room for an answer. */
const SMALLEST_CONTEXT_TOKENS = 256;
/** Larger than any model's context: a number beyond it was misread. */
const LARGEST_CONTEXT_TOKENS = 100_000_000;

/** The way to heal a cause; null where only a person, or nothing but another start, helps. Pure. */
export function healFor(diagnosis: Cause): Heal | null {
  const estimate = diagnosis.values['estimated_max_model_len'];
  if (estimate !== undefined) {
    const tokens = Number(estimate.replaceAll(',', ''));
    const sensible = tokens >= SMALLEST_CONTEXT_TOKENS && tokens <= LARGEST_CONTEXT_TOKENS;
    if (!Number.isInteger(tokens) || !sensible) return null;
    const cause = `the context did not fit into the KV cache; ${tokens} tokens do`;
    return { kind: 'override', flag: '--max-model-len', value: String(tokens), cause };
  }
  if (diagnosis.code === 'gpu_access_lost') {
    return { kind: 'recreate', cause: 'it lost its access to the GPU, which only a new container gets back' };
  }
  if (diagnosis.code === 'model_file_corrupt') {
    return { kind: 'refetch', cause: 'a file of the model is damaged' };
  }
  if (diagnosis.code === 'port_left_taken') {
    return { kind: 'restart_engine', cause: 'Docker keeps its port for no container' };
  }
  return null;
}

/**
 * Heals what made the engine refuse a start, where that is known. The engine is not restarted while it pulls: what it has
 * fetched of a layer would be lost, and the next refusal asks again.
 */
export function healRefusal(room: Room, unit: Unit, finding: Finding): void {
  if (finding.code !== 'port_left_taken' || unit.refusals < REFUSALS_BEFORE_ENGINE_RESTART) return;
  if ([...room.lanes.values()].some(({ step }) => step.action === 'pullImage')) return;
  tryHeal(room, unit, { code: finding.code, values: {} });
}

/**
 * Tries the way to heal a cause; false where there is none, where it was tried since the last fresh start, or where the
 * rest of the daemon cannot do it. What follows (another hash, a closed gate, a new container) is left to the plan.
 */
export function tryHeal(room: Room, unit: Unit, diagnosis: Cause): boolean {
  const heal = healFor(diagnosis);
  const memory = room.memory.of(unit.name);
  if (heal === null || !memory.wanted) return false;
  const healed = memory.healed ?? [];
  const tag = heal.kind === 'override' ? `${heal.flag} ${heal.value}` : heal.kind;
  if (healed.includes(tag)) return false;
  const { streak: _streak, ...rest } = memory;
  // On record before it is tried: a daemon that dies in between does not try it for ever.
  room.memory.set(unit.name, { ...rest, healed: [...healed, tag] });
  if (heal.kind === 'recreate') unit.recreate = heal.cause;
  else if (room.parts.heal?.(unit.name, heal) !== true) {
    room.memory.set(unit.name, { ...memory, healed: [...healed, tag] });
    return false;
  }
  room.parts.log.warn(`${unit.name}: ${heal.cause}: ${wordsOf(heal)}`);
  return true;
}

function wordsOf(heal: Heal): string {
  switch (heal.kind) {
    case 'override':
      return `it is started with ${heal.flag} ${heal.value} until model, image, GPU or that flag changes`;
    case 'recreate':
      return 'its container is made anew';
    case 'refetch':
      return 'it is fetched again';
    case 'restart_engine':
      return 'Docker is restarted';
  }
}
