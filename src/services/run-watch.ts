import type { Finding } from '../status/problem.ts';
import { classOf } from './problem-code.ts';
import type { ProbeResult } from './types.ts';

/** Pace of probes while a service starts: they are refused at once and cost nothing. */
const PROBE_STARTING_MS = 2_000;
/** Pace of probes of a ready service, from the start of one to the start of the next. */
const PROBE_READY_MS = 30_000;
/** Pace after a miss. With a deadline of 10 s a hang is found after 30 + 10 + 10 + 10 = 60 s, at most 66 s. */
export const PROBE_MISSED_MS = 10_000;
/** A probe that has not settled by then is a miss, whatever its own deadline says. */
export const PROBE_OUTER_DEADLINE_MS = 12_000;
/**
 * A step of an engine without a GPU may take minutes on few cores, and only the processor shows that it goes on. One that computes
 * for longer without a counter moving runs in a circle.
 */
export const COMPUTING_LIMIT_MS = 300_000;
/**
 * A refusal is a problem when it has stood for so long: while starting a page may answer 503 for a while, and one that was
 * ready has to repeat it.
 */
const REFUSAL_SHOWN_STARTING_MS = 60_000;
const REFUSAL_SHOWN_READY_MS = 10_000;
/** Misses in a row after which the process is taken for hung. */
const MISSES_LIMIT = 3;

/** What the probes have shown of one run of a container. Times are monotonic milliseconds. */
export interface RunWatch {
  readonly containerId: string;
  /** Now. */
  ready: boolean;
  /** Since when without a break; null while not ready. */
  readySince: number | null;
  /** Once in this run: from then on a miss counts. */
  wasReady: boolean;
  misses: number;
  nextProbeAt: number;
  /** Since when its processor time alone speaks for it; null: it does not have to. */
  computingSince: number | null;
  /** When something last moved while starting: a log line, a byte, a phase, another answer. */
  movedAt: number;
  /** The last definite refusal in its own words; null before the first, and when it is ready. */
  refusal: string | null;
  /** Since when it refuses without a break; null when its last answer was none. */
  refusedSince: number | null;
  /** Its log cannot be read, so that silence says nothing. */
  logsUnreadable: Finding | null;
  finding: Finding | null;
  backendReady: boolean | null;
}

/** Begins with a run that was just seen. `wasReady`: an adopted one that is known to have been ready. */
export function newRunWatch(containerId: string, wasReady: boolean, now: number): RunWatch {
  return {
    containerId,
    ready: false,
    readySince: null,
    wasReady,
    misses: 0,
    computingSince: null,
    nextProbeAt: now,
    movedAt: now,
    refusal: null,
    refusedSince: null,
    logsUnreadable: null,
    finding: null,
    backendReady: null,
  };
}

/** The watch after an answer. `askedAt` is when the probe began: paces are counted from there. Pure. */
export function afterProbe(watch: RunWatch, told: ProbeResult, askedAt: number, now: number): RunWatch {
  const computingSince = told.computing === true ? (watch.computingSince ?? now) : null;
  const circles = computingSince !== null && now - computingSince >= COMPUTING_LIMIT_MS;
  const result = circles ? { ...told, alive: false, busy: false } : told;
  const next = {
    ...watch,
    computingSince,
    ...afterAnswer(watch, result, now),
    backendReady: result.backendReady ?? null,
  };
  if (result.ready) {
    const readySince = watch.readySince ?? now;
    const nextProbeAt = Math.max(now, askedAt + PROBE_READY_MS);
    return { ...next, ready: true, readySince, wasReady: true, misses: 0, nextProbeAt };
  }
  if (result.busy === true && watch.ready) {
    return { ...next, misses: 0, nextProbeAt: Math.max(now, askedAt + PROBE_MISSED_MS) };
  }
  const misses = watch.wasReady && !result.alive ? watch.misses + 1 : 0;
  const pace = watch.wasReady || result.finding !== null ? PROBE_MISSED_MS : PROBE_STARTING_MS;
  return { ...next, ready: false, readySince: null, misses, nextProbeAt: Math.max(now, askedAt + pace) };
}

/** What an answer says of movement and of what stands in the way. A refusal moves nothing unless it says something else. */
function afterAnswer(
  watch: RunWatch,
  result: ProbeResult,
  now: number,
): Pick<RunWatch, 'movedAt' | 'refusal' | 'refusedSince' | 'finding'> {
  if (result.ready || result.busy === true) {
    return { movedAt: now, refusal: null, refusedSince: null, finding: result.finding };
  }
  if (!result.alive) {
    const { movedAt, refusal } = watch;
    return { movedAt, refusal, refusedSince: null, finding: result.finding };
  }
  const refusal = result.detail;
  const moved = watch.refusal === null || steadyWords(watch.refusal) !== steadyWords(refusal);
  const refusedSince = watch.refusedSince ?? now;
  const shownAfterMs = watch.wasReady ? REFUSAL_SHOWN_READY_MS : REFUSAL_SHOWN_STARTING_MS;
  const standing: Finding | null =
    now - refusedSince >= shownAfterMs ? { code: 'requests_refused', detail: refusal } : null;
  const finding = result.finding ?? standing;
  return { movedAt: moved ? now : watch.movedAt, refusal, refusedSince, finding };
}

/** An answer without the ids that are other ones in each. */
function steadyWords(answer: string): string {
  return answer.replace(/[\da-f-]{8,}/gi, '');
}

/** Why the run has to be ended, or null. */
export function verdictOf(
  watch: RunWatch,
  silenceLimitMs: number,
  now: number,
): { reason: 'hang' | 'stalled'; cause: string } | null {
  if (watch.misses >= MISSES_LIMIT) {
    return { reason: 'hang', cause: `it answered no probe ${MISSES_LIMIT} times in a row` };
  }
  const silentMs = now - watch.movedAt;
  // One that cannot be dialled was never asked, and what a person has to mend is not mended by another start.
  const leftAlone =
    watch.finding !== null &&
    (watch.finding.code === 'container_unreachable' || classOf(watch.finding) === 'fatal');
  if (!watch.wasReady && !leftAlone && watch.logsUnreadable === null && silentMs >= silenceLimitMs) {
    const minutes = Math.round(silentMs / 60_000);
    const words = watch.refusal === null ? '' : `; it answered: ${watch.refusal}`;
    return { reason: 'stalled', cause: `nothing moved for ${minutes} minutes while it was starting${words}` };
  }
  return null;
}

/** Paths that our own probes ask for; a server that logs them does not thereby make progress. */
const PROBE_LINE =
  /"(?:GET|POST) \/(?:health|ready|ping|metrics|v1\/models|v1\/chat\/completions)(?:[/?][^"]*)?(?: HTTP\/[\d.]+)?"/;

/** Whether a log line is the access record of a probe. */
export function isProbeLine(text: string): boolean {
  return PROBE_LINE.test(text);
}
