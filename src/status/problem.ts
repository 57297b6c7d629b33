import type { Clock } from '../lib/clock.ts';
import { toTimestamp } from '../lib/clock.ts';
import { PROBLEM_TABLE, type ProblemClass, type ProblemCode } from './problem-table.ts';

export type { ProblemClass } from './problem-table.ts';

/** The one shape of a failure, everywhere: /status, motd, journal, command line. */
export interface Problem {
  /** Stable snake_case name from the one table. */
  code: ProblemCode;
  class: ProblemClass;
  /** One short sentence without a full stop. */
  title: string;
  /** What was seen this time: names, paths, numbers, the other program's own words (redacted). */
  detail: string;
  /** One thing a person can carry out. */
  remedy: string;
  /** RFC 3339 time at which this problem began. */
  since: string;
}

/** What a room knows about a failure before it is dated: the code and what was seen. */
export interface Finding {
  code: ProblemCode;
  /** What was seen this time; already redacted. */
  detail: string;
  /** Replaces the table's remedy where a more exact one is known (a path, a link, a number). */
  remedy?: string;
  /** Replaces the table's class where the circumstances decide it. */
  class?: ProblemClass;
}

/** Stands in remedies for the name of the service that they are about. */
const SERVICE_PLACEHOLDER = /\bSERVICE\b/g;

/** A finding of one service, whose remedy can be carried out as it stands. */
export function aboutService(service: string, finding: Finding | null): Finding | null {
  if (finding === null) return null;
  const remedy = finding.remedy ?? PROBLEM_TABLE[finding.code].remedy;
  const named = remedy.replace(SERVICE_PLACEHOLDER, service);
  return named === remedy ? finding : { ...finding, remedy: named };
}

/** Dates a finding and gives it the words of the table. `since` defaults to now. */
export function toProblem(finding: Finding, clock: Pick<Clock, 'now'>, since?: string): Problem {
  const row = PROBLEM_TABLE[finding.code];
  return {
    code: finding.code,
    class: finding.class ?? row.class,
    title: row.title,
    detail: finding.detail,
    remedy: finding.remedy ?? row.remedy,
    since: since ?? toTimestamp(clock.now()),
  };
}

/** Keeps the `since` of a problem that already stood under the same code. */
export function carryProblem(
  previous: Problem | null,
  finding: Finding | null,
  clock: Pick<Clock, 'now'>,
): Problem | null {
  if (finding === null) return null;
  return toProblem(finding, clock, previous?.code === finding.code ? previous.since : undefined);
}
