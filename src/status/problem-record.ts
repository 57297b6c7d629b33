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

/** A problem that has been told, with the words in which it was. */
interface Told {
  code: string;
  /** Code and beginning: the same for one problem whose words change. */
  family: string;
  words: string;
  atMs: number;
  title: string;
}

/**
 * Writes each problem that begins as one record of priority err, and its end as one of priority info. It is the only place that
 * does so: the rooms log what they do about a problem, and never the problem itself.
 */
export function createProblemJournal(
  log: Pick<Log, 'error' | 'info'>,
  clock: { monotonicMs(): number },
): (status: Pick<Status, 'problems'>) => void {
  let standing: Told[] = [];
  return ({ problems }) => {
    const nowMs = clock.monotonicMs();
    const left = [...standing];
    const take = (fits: (told: Told) => boolean): Told | undefined => {
      const at = left.findIndex(fits);
      return at < 0 ? undefined : left.splice(at, 1)[0];
    };
    const seen = problems.map((problem) => {
      const { code, since, title, detail } = problem;
      // Amounts and times in a detail move all the time.
      const now: Told = {
        code,
        family: `${code} ${since}`,
        words: detail.replace(/\d+/g, '#'),
        atMs: nowMs,
        title,
      };
      return { problem, now, same: take((told) => told.family === now.family && told.words === now.words) };
    });
    // Two services may have the same problem in the same second; what remains of a family has changed its words.
    standing = seen.map(({ problem, now, same }) => {
      if (same !== undefined) return same;
      const before = take((told) => told.family === now.family);
      if (before !== undefined && nowMs - before.atMs < REPEAT_AFTER_MS) return before;
      log.error(problemRecord(problem));
      return now;
    });
    const codes = new Set<string>(problems.map(({ code }) => code));
    for (const { code, title } of left) if (!codes.has(code)) log.info(`${code}: over: ${title}`);
  };
}
