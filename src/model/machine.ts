import { unreachable } from '../lib/errors.ts';
import type { Finding, ProblemClass } from '../status/problem.ts';
import { PROBLEM_TABLE } from '../status/problem-table.ts';
import type { DownloadStatus } from '../status/schema.ts';

/** First pause after a transient failure; each further one doubles it. */
const FIRST_PAUSE_MS = 5_000;
/** Longest pause after a transient failure. */
const LONGEST_PAUSE_MS = 300_000;
/** How often a problem of the machine (space, rights) is looked at again. */
const HOST_PAUSE_MS = 10_000;

/** Where the model of one wish stands. */
export interface ModelState {
  status: DownloadStatus;
  /** Why it is not going on, until it does again. */
  finding: Finding | null;
  /** Failures in a row without a new byte. */
  attempts: number;
  /** Monotonic time of the next attempt; null when time alone brings none. During an attempt: null until another is asked for. */
  nextAttemptMs: number | null;
  /** The hub token was replaced since the attempt under way began. */
  tokenReplaced: boolean;
}

/** What can happen to it. */
export type ModelEvent =
  /** An attempt begins. */
  | { type: 'attempted' }
  /** Bytes begin to come (or the last checks of a model that is all there). */
  | { type: 'started' }
  /** The cache was looked at and is not complete. */
  | { type: 'missing' }
  /** A new byte came since the last failure. */
  | { type: 'moved' }
  | { type: 'completed' }
  | { type: 'failed'; finding: Finding; retryAfterSeconds: number | null }
  /** A person asks. During an attempt: another one follows it. */
  | { type: 'retry' }
  /** What stood in the way is gone. */
  | { type: 'cured' }
  /** The hub token is another one: cures what failed for want of it, also when that is found out later. */
  | { type: 'token' };

/** A new wish: to be attempted at once. */
export function initialState(nowMs: number): ModelState {
  return { status: 'pending', finding: null, attempts: 0, nextAttemptMs: nowMs, tokenReplaced: false };
}

/**
 * pending → downloading → completed · failed. A transient failure keeps the status and sets the next attempt after a
 * growing pause, for ever; a fatal one waits for `retry` (or a new wish); one of the machine is looked at again
 * every 10 s. What is asked for during an attempt is not lost: when it ends, the next one is due at once.
 */
export function nextState(state: ModelState, event: ModelEvent, nowMs: number): ModelState {
  switch (event.type) {
    case 'attempted':
      return { ...state, nextAttemptMs: null, tokenReplaced: false };
    case 'started':
      return { ...state, status: 'downloading', finding: null };
    case 'missing':
      return state.status === 'completed' ? { ...state, status: 'pending' } : state;
    case 'moved':
      return { ...state, attempts: 0 };
    case 'completed':
      return { ...state, status: 'completed', finding: null, attempts: 0 };
    case 'retry':
    case 'cured':
      return { ...state, attempts: 0, nextAttemptMs: nowMs };
    case 'token':
      return dependsOnToken(state)
        ? { ...state, attempts: 0, nextAttemptMs: nowMs, tokenReplaced: true }
        : { ...state, tokenReplaced: true };
    case 'failed':
      return afterFailure(state, event, nowMs);
    default:
      return unreachable(event);
  }
}

function afterFailure(
  before: ModelState,
  event: Extract<ModelEvent, { type: 'failed' }>,
  nowMs: number,
): ModelState {
  const { finding } = event;
  const asked = before.nextAttemptMs !== null || (before.tokenReplaced && dependsOnToken({ finding }));
  const state = { ...before, finding };
  const next = (ms: number | null) => (asked ? nowMs : ms);
  const kind = findingClass(finding);
  switch (kind) {
    case 'transient':
    case 'restart': {
      const attempts = state.attempts + 1;
      const pause = Math.max(pauseMs(attempts), (event.retryAfterSeconds ?? 0) * 1000);
      const status = state.status === 'downloading' ? 'downloading' : 'pending';
      return { ...state, status, attempts, nextAttemptMs: next(nowMs + pause) };
    }
    case 'host':
      return { ...state, status: 'failed', attempts: 0, nextAttemptMs: next(nowMs + HOST_PAUSE_MS) };
    case 'fatal':
      return { ...state, status: 'failed', attempts: 0, nextAttemptMs: next(null) };
    default:
      return unreachable(kind);
  }
}

/** Pause after the given number of failures in a row (1 is the first): 5 s doubling to 300 s. */
export function pauseMs(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.max(0, attempts - 1), LONGEST_PAUSE_MS);
}

/** True when an attempt is to be made now. */
export function isDue(state: ModelState, nowMs: number): boolean {
  return state.nextAttemptMs !== null && nowMs >= state.nextAttemptMs;
}

/** True when a new token may cure what stands. */
export function dependsOnToken({ finding }: Pick<ModelState, 'finding'>): boolean {
  const code = finding?.code;
  return (
    code === 'model_gated' ||
    code === 'model_not_found' ||
    code === 'token_invalid' ||
    code === 'token_missing' ||
    code === 'hub_rate_limited' ||
    code === 'revision_not_found'
  );
}

/** How a finding behaves: its own class where the circumstances decide it, else the table's. */
export function findingClass(finding: Finding): ProblemClass {
  return finding.class ?? PROBLEM_TABLE[finding.code].class;
}
