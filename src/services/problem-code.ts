import type { Finding, ProblemClass } from '../status/problem.ts';
import { PROBLEM_TABLE, type ProblemCode } from '../status/problem-table.ts';

/** Whether a remembered word is still the name of a problem. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEM_TABLE, code);
}

/** The class of a finding: its own, else that of the table. */
export function classOf(finding: Finding): ProblemClass {
  return finding.class ?? PROBLEM_TABLE[finding.code].class;
}
