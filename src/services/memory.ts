import { type Static, Type } from 'typebox';
import type { LastExit } from '../status/schema.ts';

/** Records kept per service: enough to see a loop of a whole day at the slow pace. */
const HISTORY_LENGTH = 20;

/** Records that keep their log lines; older ones keep the rest. Bounds the state file. */
const HISTORY_WITH_LOGS = 3;

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const ExitSchema = Type.Object({
  at: Type.String(),
  exit_code: nullable(Type.Integer()),
  oom_killed: Type.Boolean(),
  cause: Type.String(),
  attempt: Type.Integer({ minimum: 0 }),
  log_tail: Type.Array(Type.String()),
  code: Type.Optional(Type.String()),
});

/** What is remembered about one service and cannot be derived from the engine. */
const ServiceMemorySchema = Type.Object({
  /** False after a user's stop; survives a restart of the daemon. */
  wanted: Type.Boolean(),
  /** All exits that were not asked for, since the first start of the daemon. */
  restarts: Type.Integer({ minimum: 0 }),
  /** The latest exits, newest last. */
  history: Type.Array(ExitSchema),
  /** Failures in a row that count; forgotten after ten healthy minutes, a user's action or a changed service. */
  attempts: Type.Integer({ minimum: 0 }),
  /** Wall time before which it is not started; clamped when read, because clocks jump. */
  nextRestartAt: nullable(Type.String()),
  /** Why no restart is tried by itself (fatal), or only slowly (`restart_loop`). */
  failure: nullable(
    Type.Object({
      code: Type.String(),
      detail: Type.String(),
      class: nullable(Type.Enum(['transient', 'fatal', 'host', 'restart'])),
      remedy: nullable(Type.String()),
      since: Type.String(),
    }),
  ),
  /** What the counted exits in a row were found to be: a cause that comes twice is believed. */
  streak: Type.Optional(Type.Object({ code: Type.String(), count: Type.Integer({ minimum: 1 }) })),
  /** Ways of healing that were tried since the last fresh start; none is tried twice. */
  healed: Type.Optional(Type.Array(Type.String())),
  /** Spec-hash to which attempts and failure belong. */
  hash: nullable(Type.String()),
  /** The container that is followed. */
  run: nullable(
    Type.Object({
      containerId: Type.String(),
      /** `FinishedAt` of the latest exit that is on record: the identity of an exit. */
      finishedAt: nullable(Type.String()),
      /** Wall time of an exit that is on record by its event alone, the engine not having been asked since. */
      pending: nullable(Type.String()),
      /** `StartedAt` of the run that was ready once: after a restart of the daemon a miss counts at once. */
      readyRun: nullable(Type.String()),
    }),
  ),
  /** The exit that we are about to cause, so that it is no failure, whoever sees it. */
  expected: nullable(
    Type.Object({
      containerId: Type.String(),
      reason: Type.Enum(['user', 'recreate', 'removed', 'hang', 'stalled']),
      /** What made it necessary, in words. */
      cause: Type.Optional(Type.String()),
      until: Type.String(),
    }),
  ),
});
export type ServiceMemory = Static<typeof ServiceMemorySchema>;

/** The part of the state file that this room owns. */
export const ServicesMemorySchema = Type.Object({
  /** Kernel's boot id at the last look: another one means the machine was restarted. */
  bootId: nullable(Type.String()),
  services: Type.Record(Type.String(), ServiceMemorySchema),
});
export type ServicesMemory = Static<typeof ServicesMemorySchema>;

export const EMPTY_MEMORY: ServicesMemory = { bootId: null, services: {} };

/** The memory of a service that was never seen. */
export function newServiceMemory(): ServiceMemory {
  return {
    wanted: true,
    restarts: 0,
    history: [],
    attempts: 0,
    nextRestartAt: null,
    failure: null,
    hash: null,
    run: null,
    expected: null,
  };
}

/** Adds a record and lets old ones go. */
export function remember(history: readonly LastExit[], exit: LastExit): LastExit[] {
  const kept = [...history, exit].slice(-HISTORY_LENGTH);
  return kept.map((entry, index) =>
    index < kept.length - HISTORY_WITH_LOGS && entry.log_tail.length > 0 ? { ...entry, log_tail: [] } : entry,
  );
}

/** Forgets failures: a user's action, a changed service or ten healthy minutes make a fresh start. */
export function withFreshAttempts(memory: ServiceMemory): ServiceMemory {
  const { streak: _streak, healed: _healed, ...rest } = memory;
  return { ...rest, attempts: 0, nextRestartAt: null, failure: null };
}

/** Whether a standing failure is tried again by itself, at the slow pace: a loop, or something of the machine. */
export function retriesSlowly(failure: NonNullable<ServiceMemory['failure']>): boolean {
  return failure.code === 'restart_loop' || failure.class === 'host';
}

/** How long to wait for a remembered wall time, at most `limitMs` whatever the clocks did meanwhile. */
export function remainingMs(timestamp: string | null, now: Date, limitMs: number): number {
  if (timestamp === null) return 0;
  const left = Date.parse(timestamp) - now.getTime();
  return Number.isFinite(left) ? Math.min(Math.max(left, 0), limitMs) : 0;
}
