import type { Diagnosis } from '../../../src/diagnosis/types.ts';
import type { EndedBy, ScriptedContainer } from '../../support/scripted-engine.ts';
import type { Cause, Name } from './simulation-faults.ts';
import { ECHO_MS, type Ground, NOTICE_MS } from './simulation-ground.ts';

/** A kill from outside explains an end so long where the daemon has not seen which one. */
const FOREIGN_ECHO_MS = 61_000;
/** Until a recreation that heals has been made. */
const ANEW_MS = 60_000;
/** A run of a loop ends between these ages. */
const LOOP_MIN_MS = 3_000;
const LOOP_SPAN_MS = 20_000;

/** How each cause shows in a log. */
const CAUSES: Readonly<Record<Cause, Diagnosis>> = {
  fatal: diagnosed('model_gated', 'gated'),
  host: diagnosed('gpu_missing', 'no_gpu'),
  transient: diagnosed('port_in_use', 'port'),
  context: diagnosed('kv_cache_too_small', 'kv_small', { estimated_max_model_len: '4096' }),
  access: diagnosed('gpu_access_lost', 'nvml'),
  damaged: diagnosed('model_file_corrupt', 'corrupt'),
};

/** The cause that the last line of a log tells, as the diagnosis would. */
export function diagnoseLog(log: readonly string[]): Diagnosis | null {
  const cause = log.at(-1)?.split(' ')[1] ?? '';
  return cause in CAUSES ? CAUSES[cause as Cause] : null;
}

/** Follows the runs of all containers: what each dies of, and what the oracles must know of it. */
export function followRuns(ground: Ground): { doom(name: Name): void } {
  const { clock, engine, oracles, troubles, tally, now, chance, trace, nameOf, containersOf } = ground;
  const foreignUntil: Record<Name, number> = { api: 0, ui: 0 };

  /** What this run will die of, if anything. */
  const doom = (name: Name, container: ScriptedContainer) => {
    const { startedAtMs } = container;
    const { sick } = oracles[name];
    const ageMs = now() - (startedAtMs ?? now());
    const dieAt = (age: number, words: string | null) => {
      const end = () => {
        if (container.facts.state !== 'running' || container.startedAtMs !== startedAtMs) return;
        if (words !== null && oracles[name].sick !== sick) return;
        if (words !== null) say(container, words);
        if (sick?.cause === 'access') oracles[name].mayBeMadeAnewFor(ANEW_MS);
        engine.exit(container.facts.id, 1);
      };
      clock.sleep(Math.max(0, age - ageMs)).then(end, () => undefined);
    };
    if (troubles.brittle[name].times > 0) {
      troubles.brittle[name].times -= 1;
      dieAt(ageMs + troubles.brittle[name].afterMs, null);
    } else if (troubles.loops[name] > 0) {
      troubles.loops[name] -= 1;
      dieAt(LOOP_MIN_MS + Math.floor(chance() * LOOP_SPAN_MS), null);
    } else if (sick !== null) {
      dieAt(sick.afterSeconds * 1_000, `${name} ${sick.cause}`);
    }
  };

  engine.witness = {
    created(container) {
      const name = nameOf(container);
      if (name === null) return;
      ground.noteOf(container);
      const beside = containersOf(name).filter((other) => other !== container);
      tally.creations += 1;
      if (beside.length > 0) tally.creationsBeside += 1;
      if (beside.some(ground.isSettled)) ground.fail(`a second container of ${name} was made`);
      if (oracles[name].sick?.cause === 'access' && oracles[name].sick.curable) ground.cure(name);
    },
    started(container) {
      const name = nameOf(container);
      trace(`${container.facts.name} runs`);
      if (name === null) return;
      ground.noteOf(container).since = now();
      oracles[name].started();
      doom(name, container);
    },
    ended(container, by) {
      const name = nameOf(container);
      trace(`${container.facts.name} ends by ${by}`);
      if (name === null) return;
      ground.noteOf(container).endedAt = now();
      oracles[name].ended(container, noticedAt(name, container, by), isFailure(container, by));
      const byUs = by === 'stop' || by === 'kill';
      if (by !== 'itself' && !byUs && !ground.isCalm()) foreignUntil[name] = now() + FOREIGN_ECHO_MS;
    },
  };
  const isFailure = ({ hung }: ScriptedContainer, by: EndedBy) => by === 'itself' || (by === 'kill' && hung);
  /** When the daemon counts this end for certain; null: it may excuse it, or may never hear of it. */
  const noticedAt = (name: Name, container: ScriptedContainer, by: EndedBy): number | null => {
    const note = ground.noteOf(container);
    const excusable =
      note.stopping ||
      ground.isAway() ||
      !ground.alive ||
      now() < Math.max(foreignUntil[name], note.followedFrom) ||
      containersOf(name).length > 1;
    if (!isFailure(container, by) || excusable) return null;
    if (ground.isCalm()) return now() + NOTICE_MS;
    return now() + ECHO_MS + engine.eventDelayMs;
  };
  /** The last words of a run. */
  const say = (container: ScriptedContainer, text: string) => {
    // An engine notes the end of a process after its last line.
    const timestamp = new Date(clock.now().getTime() - 1).toISOString();
    container.log = [{ timestamp, stream: 'stderr', text }];
  };

  return {
    doom(name) {
      const container = ground.container(name);
      if (container?.facts.state === 'running') doom(name, container);
    },
  };
}

function diagnosed(code: Diagnosis['code'], signature: string, values: Diagnosis['values'] = {}): Diagnosis {
  return { code, signature, class: null, detail: `words about ${code}`, remedy: null, line: null, values };
}
