import { toTimestamp } from '../lib/clock.ts';
import type { Finding } from '../status/problem.ts';
import { PROBLEM_TABLE, type ProblemCode } from '../status/problem-table.ts';
import type { LastExit } from '../status/schema.ts';
import { withRecord } from './exits.ts';
import { retriesSlowly, type ServiceMemory } from './memory.ts';
import { classOf } from './problem-code.ts';
import { exitKey, isLoop, LOOP_FAILURES, LOOP_WINDOW_MS, RESTART_CAP_MS } from './restart-policy.ts';

/** A cause is believed when it has come so many times in a row: the first restart is made before anything is known. */
const BELIEVED_AFTER = 2;

/** What a counted exit means for the service. */
export interface Judgement {
  memory: ServiceMemory;
  /** A new wait before the next start, in milliseconds from now; null: the curve's stands. */
  retryInMs: number | null;
}

/**
 * Puts the cause of a counted exit on its record and decides whether the restarts go on. A cause of class fatal or host that
 * comes twice in a row stops them (host: to the slow pace, since the machine may have been mended); any cause that comes five
 * times in half an hour is a loop, at the slow pace too. `stands`: its container stands still, so that there is something to
 * stop. Null where the record is gone or a user has acted since. Pure.
 */
export function judgeExit(
  memory: ServiceMemory,
  record: LastExit,
  finding: Finding,
  stands: boolean,
  now: Date,
): Judgement | null {
  const told = toldOf(record, finding);
  const recorded = withRecord(memory, record, { code: finding.code, cause: told.cause });
  if (recorded === memory) return null;
  if (memory.attempts < record.attempt) return { memory: recorded, retryInMs: null };
  const key = exitKey(told);
  const count = memory.streak?.code === key ? memory.streak.count + 1 : 1;
  const next: ServiceMemory = { ...recorded, streak: { code: key, count } };
  if (!stands) return { memory: next, retryInMs: null };
  const problemClass = classOf(finding);
  const stops = count >= BELIEVED_AFTER && (problemClass === 'fatal' || problemClass === 'host');
  const failure = stops
    ? { ...failureOf(finding), class: problemClass }
    : isLoop(next.history, key, now)
      ? failureOf(loopOf(finding))
      : null;
  if (failure === null) {
    const sameAsBefore = memory.streak === undefined || memory.streak.code === key;
    return { memory: sameAsBefore ? next : { ...next, failure: null }, retryInMs: null };
  }
  const since = memory.failure?.code === failure.code ? memory.failure.since : toTimestamp(now);
  const slow = retriesSlowly({ ...failure, since });
  const nextRestartAt = slow ? new Date(now.getTime() + RESTART_CAP_MS).toISOString() : null;
  return {
    memory: { ...next, failure: { ...failure, since }, nextRestartAt },
    retryInMs: slow ? RESTART_CAP_MS : null,
  };
}

/** Causes that the words of the exit tell already. */
const OWN_WORDS: ReadonlySet<ProblemCode> = new Set([
  'container_exited',
  'unknown_failure',
  'out_of_memory',
  'not_responding',
  'start_stalled',
]);

/** The words of the record: those of the exit, and what it was found to be. */
function toldOf(record: LastExit, finding: Finding): { code: string; cause: string } {
  const cause = OWN_WORDS.has(finding.code)
    ? record.cause
    : `${record.cause}: ${PROBLEM_TABLE[finding.code].title}`;
  return { code: finding.code, cause };
}

function failureOf({ code, detail, class: own, remedy }: Finding) {
  return { code, detail, class: own ?? null, remedy: remedy ?? null };
}

function loopOf(finding: Finding): Finding {
  const row = PROBLEM_TABLE[finding.code];
  const minutes = LOOP_WINDOW_MS / 60_000;
  const known = exitKey({ code: finding.code, cause: '' }) !== '';
  return {
    code: 'restart_loop',
    detail: `${LOOP_FAILURES} times within ${minutes} minutes: ${known ? `${row.title}: ` : ''}${finding.detail}`,
    ...(known ? { remedy: `${finding.remedy ?? row.remedy} Then: ai-sandbox restart SERVICE.` } : {}),
  };
}
