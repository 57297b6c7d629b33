import type { Finding, Problem } from '../status/problem.ts';
import type { ServiceMemory } from './memory.ts';
import type { RunWatch } from './run-watch.ts';
import type { StopReason } from './step.ts';
import { ServiceActionError } from './types.ts';

/** What a user asked for, and whom to tell. */
export interface PendingAction {
  kind: 'start' | 'stop' | 'restart';
  resolve(): void;
  reject(error: Error): void;
}

/** Everything about one service that lives only as long as the daemon. Times are monotonic milliseconds. */
export interface Unit {
  readonly name: string;
  /** The engine's view of it is not certain: it is asked before anything else is done. */
  uncertain: boolean;
  /** Place in the order of changes at which it became uncertain. */
  uncertainAt: number;
  /** A question about it is on its way. */
  sampling: boolean;
  sampleAfter: number;
  sampleFailures: number;
  /** Not started before. */
  restartAt: number;
  /** Starts and creations the engine refused in a row. */
  refusals: number;
  refusal: Finding | null;
  refusedUntil: number;
  /** Words of the last failed call of another kind. */
  callFailure: Finding | null;
  exitFinding: Finding | null;
  problem: Problem | null;
  restartRequested: boolean;
  doomed: { containerId: string; reason: StopReason; cause: string } | null;
  recreate: string | null;
  started: boolean;
  completed: boolean;
  /** A `die` event came while a start was on its way: only the engine knows what it means. */
  diedDuringStart: boolean;
  /** When we last killed or stopped the container, on the wall clock in milliseconds; `untilMs` is Infinity while we do. */
  ownKill: { fromMs: number; untilMs: number } | null;
  /** A kill by somebody else. */
  foreign: { signal: string; at: number } | null;
  /** When the engine told that memory ran out in this run; null when it did not. */
  oomAt: number | null;
  /** When exits were last laid at the door of an absent engine. */
  awayExits: number[];
  /** How things stood before an exit that is known by its event alone, in case the event was an old one. */
  undo: { memory: ServiceMemory; restartAt: number; exitFinding: Finding | null } | null;
  watch: RunWatch | null;
  probing: boolean;
  /** Ends probes and log reading of the run that is watched. */
  watching: AbortController | null;
  actions: PendingAction[];
}

/** A service that was just read from the file. `restartInMs` is what is left of a remembered wait. */
export function newUnit(name: string, now: number, restartInMs: number): Unit {
  return {
    name,
    uncertain: true,
    uncertainAt: 0,
    sampling: false,
    sampleAfter: now,
    sampleFailures: 0,
    restartAt: now + restartInMs,
    refusals: 0,
    refusal: null,
    refusedUntil: now,
    callFailure: null,
    exitFinding: null,
    problem: null,
    restartRequested: false,
    doomed: null,
    recreate: null,
    started: false,
    completed: false,
    diedDuringStart: false,
    ownKill: null,
    foreign: null,
    oomAt: null,
    awayExits: [],
    probing: false,
    undo: null,
    watch: null,
    watching: null,
    actions: [],
  };
}

/** A user's action or a changed file: what stood in the way is tried again at once. */
export function clearWaits(unit: Unit, now: number): void {
  unit.restartAt = now;
  unit.refusals = 0;
  unit.refusal = null;
  unit.refusedUntil = now;
  unit.callFailure = null;
  unit.exitFinding = null;
  unit.completed = false;
}

/**
 * Tells the users who wait for this service that it did not come about. What is wanted stays wanted; a restart that was
 * said to have failed does not end a healthy service some time later.
 */
export function rejectActions(unit: Unit, finding: Finding): void {
  for (const action of unit.actions.splice(0)) {
    if (action.kind === 'restart') unit.restartRequested = false;
    action.reject(new ServiceActionError(finding.code, finding.detail, finding));
  }
}
