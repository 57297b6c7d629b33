import type { ObservedContainer } from '../docker/engine.ts';
import { toTimestamp } from '../lib/clock.ts';
import { unreachable } from '../lib/errors.ts';
import type { Finding } from '../status/problem.ts';
import type { LastExit } from '../status/schema.ts';
import { remember, type ServiceMemory } from './memory.ts';
import { restartDelayMs } from './restart-policy.ts';

/** Who ended a container. */
type ExitKind =
  | 'asked'
  | 'hang'
  | 'stalled'
  | 'outside'
  | 'engine_restart'
  | 'host_reboot'
  | 'found_stopped'
  | 'completed'
  | 'crash';

const ENGINE_RESTART_CAUSE = 'ended because the Docker engine was stopped or restarted';

/** An engine that goes down ends its containers first, with the same signals as `docker stop`; then it is gone. */
const BLAME_ENGINE_MS = 15_000;

/** Everything known about an exit when it is noticed. */
export interface ExitFacts {
  service: string;
  exitCode: number | null;
  oomKilled: boolean;
  /** Why we ended it ourselves; null when we did not. */
  expected: Pick<NonNullable<ServiceMemory['expected']>, 'reason' | 'cause'> | null;
  /** Signal of a kill or stop that somebody else sent just before; null when none was seen. */
  foreignSignal: string | null;
  /** It happened while the engine itself was away. */
  engineWasAway: boolean;
  /** The machine was restarted since the last look. */
  rebooted: boolean;
  /** The container was never followed before and stood still already. */
  firstSight: boolean;
  /** Another service waits for this one to end well: exit code 0 is its purpose. */
  oneShot: boolean;
}

/** What an exit means. */
export interface ExitVerdict {
  kind: ExitKind;
  /** It moves the restart curve on. */
  counts: boolean;
  /** It stands in `restarts`. */
  unrequested: boolean;
  cause: string;
  finding: Finding | null;
}

/**
 * Tells why a container ended. Any exit that nobody asked for is a failure, exit code 0 included
 * (vLLM ends with 0 after the death of its engine); an exit after our own stop never is, 137 included.
 */
export function classifyExit(facts: ExitFacts): ExitVerdict {
  if (facts.expected !== null) return verdictOfOurOwn(facts, facts.expected);
  const gentle = { counts: false, unrequested: true, finding: null };
  if (facts.rebooted)
    return { ...gentle, kind: 'host_reboot', cause: 'ended because the machine was restarted' };
  if (facts.firstSight) {
    const cause = `was found stopped${codeInWords(facts.exitCode)} when it was first seen`;
    return { ...gentle, kind: 'found_stopped', unrequested: false, cause };
  }
  if (facts.oneShot && facts.exitCode === 0) {
    return { ...gentle, kind: 'completed', unrequested: false, cause: 'has done its work (exit code 0)' };
  }
  if (facts.engineWasAway) {
    return { ...gentle, kind: 'engine_restart', cause: ENGINE_RESTART_CAUSE };
  }
  if (facts.foreignSignal !== null && !facts.oomKilled) {
    const cause =
      `was ended from outside by docker stop or docker kill (signal ${facts.foreignSignal}); ` +
      `to stop it for good use: ai-sandbox stop ${facts.service}`;
    return { ...gentle, kind: 'outside', cause };
  }
  const failure = { kind: 'crash', counts: true, unrequested: true } as const;
  if (facts.oomKilled) {
    return { ...failure, ...outOfMemory(facts.service, facts.exitCode) };
  }
  const cause =
    facts.exitCode === null ? 'exited, not asked for' : `exited${withCode(facts.exitCode)}, not asked for`;
  return { ...failure, cause, finding: { code: 'container_exited', detail: `${facts.service} ${cause}` } };
}

/** An exit because the kernel ended a process of the container. */
export function outOfMemory(service: string, exitCode: number | null): { cause: string; finding: Finding } {
  const cause = `was killed because the memory ran out${codeInWords(exitCode)}`;
  return { cause, finding: { code: 'out_of_memory', detail: `${service} ${cause}` } };
}

function verdictOfOurOwn(
  facts: ExitFacts,
  { reason, cause: because }: NonNullable<ExitFacts['expected']>,
): ExitVerdict {
  const asked = { kind: 'asked', counts: false, unrequested: false, finding: null } as const;
  const failure = { counts: true, unrequested: true } as const;
  switch (reason) {
    case 'user':
      return { ...asked, cause: 'was stopped on request' };
    case 'recreate':
      return { ...asked, cause: `was stopped to be made anew${because === undefined ? '' : `: ${because}`}` };
    case 'removed':
      return { ...asked, cause: 'was stopped because it is not in the compose file any more' };
    case 'hang': {
      const cause = 'answered no probe three times in a row and was killed';
      const finding: Finding = { code: 'not_responding', detail: `${facts.service} ${cause}` };
      return { ...failure, kind: 'hang', cause, finding };
    }
    case 'stalled': {
      const cause = 'made no progress while starting and was killed';
      const why = because === undefined ? '' : `: ${because}`;
      const finding: Finding = { code: 'start_stalled', detail: `${facts.service} ${cause}${why}` };
      return { ...failure, kind: 'stalled', cause, finding };
    }
    default:
      return unreachable(reason);
  }
}

function withCode(code: number): string {
  return code > 128 && code < 160 ? ` with code ${code} (signal ${code - 128})` : ` with code ${code}`;
}

function codeInWords(code: number | null): string {
  return code === null ? '' : ` (exit code ${code})`;
}

/** Signals that end a process; others (HUP, USR1…) are messages and explain no exit. */
const ENDING_SIGNALS = new Set([
  '2',
  '3',
  '6',
  '9',
  '15',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
  'SIGKILL',
  'SIGTERM',
]);

/** Whether a kill event explains the exit that follows. */
export function endsContainer(signal: string | undefined, stopSignal: string | null): boolean {
  return signal === undefined || ENDING_SIGNALS.has(signal) || signal === stopSignal;
}

/** Memory after an exit, and how long to wait before the restart. Pure. */
export function afterExit(
  memory: ServiceMemory,
  facts: ExitFacts,
  verdict: ExitVerdict,
  now: Date,
): { memory: ServiceMemory; delayMs: number } {
  const attempts = verdict.counts ? memory.attempts + 1 : memory.attempts;
  const record: LastExit = {
    at: toTimestamp(now),
    exit_code: facts.exitCode,
    oom_killed: facts.oomKilled,
    cause: verdict.cause,
    attempt: verdict.counts ? attempts : 0,
    log_tail: [],
  };
  const history = remember(memory.history, record);
  const delayMs = verdict.counts ? restartDelayMs(attempts) : 0;
  return {
    delayMs,
    memory: {
      ...memory,
      attempts,
      history,
      restarts: memory.restarts + (verdict.unrequested ? 1 : 0),
      nextRestartAt: delayMs === 0 ? null : new Date(now.getTime() + delayMs).toISOString(),
    },
  };
}

/** The engine is lost: an exit just before was its doing, and counts for nothing. Null where there was none. Pure. */
export function blameEngine(memory: ServiceMemory, now: Date): ServiceMemory | null {
  const exit = memory.history.at(-1);
  if (exit === undefined || now.getTime() - Date.parse(exit.at) > BLAME_ENGINE_MS) return null;
  if (memory.run?.pending === null || memory.run?.pending === undefined || !memory.wanted) return null;
  const blamed = { ...exit, cause: ENGINE_RESTART_CAUSE, attempt: 0 };
  return {
    ...memory,
    history: memory.history.with(-1, blamed),
    // A user's action may have set them to none meanwhile.
    attempts: exit.attempt > 0 ? Math.max(0, memory.attempts - 1) : memory.attempts,
    nextRestartAt: null,
  };
}

/** Changes the record of an exit, wherever it stands by now; the same memory where it is gone. */
export function withRecord(
  memory: ServiceMemory,
  record: Pick<LastExit, 'at' | 'attempt'>,
  fields: Partial<LastExit>,
): ServiceMemory {
  const index = memory.history.findLastIndex(
    (exit) => exit.at === record.at && exit.attempt === record.attempt,
  );
  const exit = memory.history[index];
  return exit === undefined
    ? memory
    : { ...memory, history: memory.history.with(index, { ...exit, ...fields }) };
}

/** The engine notes the start of a process only when it runs; what a quick one printed is older than that. */
const NOTED_LATE_MS = 10_000;

/**
 * Since when the log belongs to the run that is looked at: some time before its noted start, but after the end of the run
 * before it. RFC 3339; null for a container that never ran.
 */
export function logStart(container: Pick<ObservedContainer, 'startedAt' | 'finishedAt'>): string | null {
  if (container.startedAt === null) return null;
  const startedMs = Date.parse(container.startedAt);
  const previousEndMs = container.finishedAt === null ? Number.NaN : Date.parse(container.finishedAt);
  const sinceMs = startedMs - NOTED_LATE_MS;
  // The engine keeps the end of the last run while the next one is under way.
  const endedBefore = previousEndMs < startedMs && previousEndMs > sinceMs;
  return new Date(endedBefore ? previousEndMs : sinceMs).toISOString();
}
