import type { Log } from '../lib/log.ts';
import type { Finding } from './problem.ts';
import { PROBLEM_TABLE } from './problem-table.ts';
import type { Status } from './schema.ts';

/** A problem as the status shows it. */
type StandingProblem = Status['problems'][number];

/**
 * The one form of a record of priority err: code, title, what was seen, and what a person does about it. The log makes one
 * line of it.
 */
export function problemRecord(problem: Finding | StandingProblem): string {
  const { code, detail } = problem;
  const { title, remedy } = 'title' in problem ? problem : PROBLEM_TABLE[problem.code];
  const seen = detail === '' ? '' : `: ${detail.replace(/[.\s]+$/, '')}`;
  return `${code}: ${title}${seen}. What to do: ${problem.remedy ?? remedy}`;
}

/**
 * The log of the rooms: what they call an error becomes a warning, because a record of priority err is a problem with a code, a
 * title and a remedy, and is written where problems are told.
 */
export function withoutErrors(log: Log): Log {
  return { ...log, error: log.warn };
}

/** A problem whose detail keeps changing is told again at most this often. */
const REPEAT_AFTER_MS = 60_000;

/** Writes each problem that begins as one record of priority err, and its end as one of priority info. */
export function createProblemJournal(
  log: Pick<Log, 'error' | 'info'>,
  clock: { monotonicMs(): number },
): (status: Pick<Status, 'problems'>) => void {
  let standing = new Map<string, { told: string; atMs: number; title: string }>();
  return ({ problems }) => {
    const nowMs = clock.monotonicMs();
    const next: typeof standing = new Map();
    for (const problem of problems) {
      const key = `${problem.code} ${problem.since}`;
      // Amounts and times in a detail move all the time.
      const told = problem.detail.replace(/\d+/g, '#');
      const known = standing.get(key) ?? next.get(key);
      if (known !== undefined && (known.told === told || nowMs - known.atMs < REPEAT_AFTER_MS)) {
        next.set(key, known);
      } else {
        log.error(problemRecord(problem));
        next.set(key, { told, atMs: nowMs, title: problem.title });
      }
    }
    const codes = new Set<string>(problems.map(({ code }) => code));
    for (const [key, { title }] of standing) {
      const code = key.slice(0, key.indexOf(' '));
      if (!next.has(key) && !codes.has(code)) log.info(`${code}: over: ${title}`);
    }
    standing = next;
  };
}
