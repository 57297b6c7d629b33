import { statfs } from 'node:fs/promises';
import { type Clock, toTimestamp } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { carryProblem, type Finding, type Problem } from '../status/problem.ts';
import type { DownloadView } from '../status/schema.ts';
import { type DownloadMeter, UNKNOWN_DOWNLOAD } from './download/meter.ts';
import { parseModelIdentifier } from './identifier.ts';
import { findingClass, initialState, isDue, type ModelEvent, type ModelState, nextState } from './machine.ts';
import type { ModelFacts } from './model-facts.ts';
import { dependsOnSurroundings, fitView, type Preflight, preflight } from './preflight.ts';
import type { Surroundings } from './surroundings.ts';
import { type ExaminedModel, ModelError, type ModelIdentifier, type ModelSnapshot } from './types.ts';

/** What is to be kept: the raw MODEL_ID and the host directory that the api service mounts for it. */
export interface WantedModel {
  text: string | null;
  /** Host directory mounted at /root/.cache/huggingface; the cache is in its `hub/`. */
  directory: string | null;
  /** Branch, tag or commit; absent: `main`. */
  revision?: string;
}

/** True when both ask for the same. */
export function isSameWish(a: WantedModel, b: WantedModel): boolean {
  return (
    a.text === b.text &&
    a.directory === b.directory &&
    (a.revision ?? DEFAULT_REVISION) === (b.revision ?? DEFAULT_REVISION)
  );
}

/** The branch that is fetched, and that readers of the cache look up, where no other is asked for. */
export const DEFAULT_REVISION = 'main';

/** Everything that belongs to one wish; a new wish gets a new one. */
export interface Wish {
  wanted: WantedModel;
  identifier: ModelIdentifier | null;
  state: ModelState;
  problem: Problem | null;
  /** Pinned by the first attempt that reached the hub, so that later ones fetch the same commit. */
  resolved: ExaminedModel | null;
  /** What the model says of itself, from the hub or from the cache. */
  facts: ModelFacts | null;
  /** What the facts mean on this machine. */
  judged: Preflight | null;
  /** A standing problem that does not keep the download from going on. */
  notice: Problem | null;
  /** The commit. */
  revision: string | null;
  /** Ends the attempt under way, with its reason. */
  attempt: AbortController | null;
  /** Counts while bytes come. */
  meter: DownloadMeter | null;
  /** What was counted last. */
  download: DownloadView;
  /** Ends what is under way. */
  ended: AbortController;
}

/** A wish that nothing was done for yet; one that cannot be fulfilled has failed already. */
export function newWish(wanted: WantedModel, clock: Clock): Wish {
  const parsed = wanted.text === null ? null : parseModelIdentifier(wanted.text);
  const finding = wishFault(wanted, parsed?.finding ?? null);
  const fresh = initialState(clock.monotonicMs());
  const waiting: ModelState = { ...fresh, nextAttemptMs: null };
  const state: ModelState = finding === null ? fresh : { ...waiting, status: 'failed', finding };
  return {
    wanted,
    identifier: parsed?.identifier ?? null,
    state: wanted.text === null ? waiting : state,
    problem: wanted.text === null ? null : carryProblem(null, finding, clock),
    resolved: null,
    facts: null,
    judged: null,
    notice: null,
    revision: null,
    attempt: null,
    meter: null,
    download: UNKNOWN_DOWNLOAD,
    ended: new AbortController(),
  };
}

function wishFault(wanted: WantedModel, idFault: Finding | null): Finding | null {
  if (idFault !== null) return idFault;
  if (wanted.directory !== null) return null;
  return {
    code: 'model_directory_not_mounted',
    detail: 'the api service mounts no host directory at /root/.cache/huggingface',
  };
}

/** Events after which an attempt may be due because somebody asked, for something else than what was resolved. */
const MAY_ASK: ReadonlySet<ModelEvent['type']> = new Set(['retry', 'token', 'failed']);

/** Moves a wish on; the only place where its state changes. Says in the log what is new. */
export function advance(wish: Wish, event: ModelEvent, clock: Clock, log: Log): void {
  const before = wish.state;
  wish.state = nextState(before, event, clock.monotonicMs());
  // Only what was asked for is due at once; the hub is asked anew then.
  if (MAY_ASK.has(event.type) && isDue(wish.state, clock.monotonicMs())) wish.resolved = null;
  wish.problem = carryProblem(wish.problem, wish.state.finding, clock);
  if (wish.state.status === 'completed') wish.notice = null;
  const { finding, status, nextAttemptMs } = wish.state;
  const model = wish.identifier?.id;
  if (event.type === 'failed' && finding !== null) {
    const { code } = finding;
    // A problem of the machine is looked at every few seconds; it is said once.
    if (findingClass(finding) === 'host' && before.finding?.code === code) return;
    if (nextAttemptMs === null) return;
    const seconds = Math.round((nextAttemptMs - clock.monotonicMs()) / 1000);
    log.info('model download pauses', { model, problem: code, next_attempt_in_seconds: seconds });
  } else if (status !== before.status) {
    log.info(`model ${status}`, { model, revision: wish.revision });
  }
}

/** Whether a fault of machine or engine options stands that is one no longer. */
export function isCured({ judged, state }: Wish): boolean {
  const standing = state.finding?.code;
  return (judged?.finding ?? null) === null && standing !== undefined && dependsOnSurroundings(standing);
}

/** Why nothing can be begun for this wish, in words; null when something can. */
export function refusalOf({ wanted, identifier, problem }: Wish): string | null {
  if (wanted.text === null) return 'no model is named: set MODEL_ID in .env';
  if (identifier !== null && wanted.directory !== null) return null;
  return problem === null ? 'the model cannot be fetched' : `${problem.title}: ${problem.detail}`;
}

/** Keeps what is now known of the model, and judges it anew. */
export function judge(wish: Wish, facts: ModelFacts | null, surroundings: Surroundings, clock: Clock): void {
  wish.facts = facts;
  const id = wish.identifier?.id;
  wish.judged = facts === null || id === undefined ? null : preflight(id, facts, surroundings);
  // A model that is complete has the engine itself to speak for it.
  const notice = wish.state.status === 'completed' ? null : (wish.judged?.notice ?? null);
  wish.notice = carryProblem(wish.notice, notice, clock);
}

/** The event of an attempt that ended with an error. */
export function failureOf(error: unknown): ModelEvent {
  if (error instanceof ModelError) {
    return { type: 'failed', finding: error.finding, retryAfterSeconds: error.retryAfterSeconds };
  }
  const finding: Finding = { code: 'unknown_failure', class: 'transient', detail: errorMessage(error) };
  return { type: 'failed', finding, retryAfterSeconds: null };
}

/** What the rest of the daemon is told. */
export function toSnapshot(wish: Wish | null, clock: Clock): ModelSnapshot {
  if (wish === null) return EMPTY_SNAPSHOT;
  const { status, finding, nextAttemptMs } = wish.state;
  const passes = finding !== null && ['transient', 'restart'].includes(findingClass(finding));
  const untilMs = nextAttemptMs === null ? null : Math.max(0, nextAttemptMs - clock.monotonicMs());
  return {
    modelIdentifier: wish.identifier?.id ?? wish.wanted.text,
    revision: wish.revision,
    downloadStatus: status,
    download: wish.meter?.view() ?? wish.download,
    complete: status === 'completed',
    nextRetryAt: passes && untilMs !== null ? toTimestamp(new Date(clock.now().getTime() + untilMs)) : null,
    memoryFit: fitView(wish.judged?.fit ?? null),
    problem: wish.problem ?? wish.notice,
  };
}

const EMPTY_SNAPSHOT: ModelSnapshot = {
  modelIdentifier: null,
  revision: null,
  downloadStatus: 'pending',
  download: UNKNOWN_DOWNLOAD,
  complete: false,
  nextRetryAt: null,
  memoryFit: null,
  problem: null,
};

/** Bytes that this user may still write to the file system of a path. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
