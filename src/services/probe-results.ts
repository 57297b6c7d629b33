import type { Finding } from '../status/problem.ts';
import type { ProbeResult } from './types.ts';

/** Longest part of a foreign answer that is repeated to people. */
const MAXIMUM_QUOTE_LENGTH = 300;

/** All stages passed. */
export const READY: ProbeResult = { ready: true, alive: true, detail: '', finding: null };

/** No sign of life. */
export function missed(detail: string): ProbeResult {
  return { ready: false, alive: false, detail, finding: null };
}

/** A definite answer of a living server that is not the one hoped for. */
export function answered(detail: string, finding: Finding | null = null): ProbeResult {
  return { ready: false, alive: true, detail, finding };
}

/** A foreign answer in one line, cut. */
export function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MAXIMUM_QUOTE_LENGTH ? line : `${line.slice(0, MAXIMUM_QUOTE_LENGTH)}…`;
}
