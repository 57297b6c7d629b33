import type { ObservedContainer } from '../docker/engine.ts';
import { investigate } from './evidence.ts';
import { afterExit, classifyExit, type ExitFacts, outOfMemory, withRecord } from './exits.ts';
import { isUp } from './plan-order.ts';
import type { Room } from './room.ts';
import type { Unit } from './unit.ts';
import { endWatch } from './watches.ts';

/** A kill from outside explains an exit that follows within this time (the longest usual grace and some). */
const FOREIGN_KILL_MS = 60_000;
/** Memory that ran out explains an exit within this time; a service that lives on has survived it. */
const OUT_OF_MEMORY_MS = 60_000;
/** An absent engine excuses so many exits within the window; more would hide a loop behind a flapping engine. */
const AWAY_EXCUSES = 3;
const AWAY_WINDOW_MS = 600_000;

/** What is known of an exit by how it was noticed. */
interface Noticed {
  exitCode: number | null;
  oomKilled: boolean;
  /** Null when only an event told of it: the engine's time of it is not known yet. */
  finishedAt: string | null;
  firstSight: boolean;
}

/** Puts an exit of the followed container on record and decides when the service is started again. */
export function noteExit(room: Room, unit: Unit, container: ObservedContainer, noticed: Noticed): void {
  const { clock, log } = room.parts;
  const now = clock.monotonicMs();
  const wall = clock.now();
  const before = room.memory.of(unit.name);
  const facts = factsOf(room, unit, container, noticed);
  const verdict = classifyExit(facts);
  const after = afterExit(before, facts, verdict, wall);
  room.memory.set(unit.name, {
    ...after.memory,
    expected: null,
    run: {
      containerId: container.id,
      finishedAt: noticed.finishedAt ?? before.run?.finishedAt ?? null,
      pending: noticed.finishedAt === null ? wall.toISOString() : null,
      readyRun: null,
    },
  });
  const { restartAt, exitFinding } = unit;
  unit.undo = noticed.finishedAt === null ? { memory: before, restartAt, exitFinding } : null;
  unit.restartAt = now + after.delayMs;
  unit.exitFinding = verdict.finding;
  unit.completed = verdict.kind === 'completed';
  unit.foreign = null;
  unit.oomAt = null;
  unit.doomed = null;
  unit.restartRequested = false;
  if (verdict.kind === 'engine_restart') unit.awayExits = [...unit.awayExits, now].slice(-AWAY_EXCUSES);
  endWatch(unit);
  // Everything that can wait does, until the start that answers the exit has left.
  const wait = after.delayMs === 0 ? '' : `; next start in ${after.delayMs / 1000} s`;
  const level = verdict.kind === 'asked' ? 'info' : 'warn';
  room.afterSteps(() => {
    log[level](`${unit.name} ${verdict.cause}${verdict.unrequested ? wait : ''}`, {
      container: container.id,
    });
  });
  const record = after.memory.history.at(-1);
  // The log of a container that is about to be removed goes with it.
  const leaves = facts.expected?.reason === 'recreate' || facts.expected?.reason === 'removed';
  if (record !== undefined && !noticed.firstSight && !leaves) {
    const exit = {
      record,
      since: before.run?.pending ?? before.run?.finishedAt ?? null,
      until: noticed.finishedAt ?? wall.toISOString(),
      finding: verdict.counts ? verdict.finding : null,
    };
    room.afterSteps(() => investigate(room, unit, container, exit));
  }
}

function factsOf(room: Room, unit: Unit, container: ObservedContainer, noticed: Noticed): ExitFacts {
  const { expected } = room.memory.of(unit.name);
  const now = room.parts.clock.monotonicMs();
  const ours =
    expected !== null &&
    expected.containerId === container.id &&
    Date.parse(expected.until) >= room.parts.clock.now().getTime();
  const excused = unit.awayExits.filter((at) => now - at < AWAY_WINDOW_MS).length;
  // What an event tells while the engine does not answer is its own end; after it has come back, only its list can tell.
  const away = noticed.finishedAt === null ? room.link.reachable === false : room.gap;
  const ranOut = unit.oomAt !== null && now - unit.oomAt <= OUT_OF_MEMORY_MS;
  const foreign = unit.foreign !== null && now - unit.foreign.at <= FOREIGN_KILL_MS ? unit.foreign : null;
  return {
    service: unit.name,
    exitCode: noticed.exitCode,
    oomKilled: noticed.oomKilled || ranOut,
    expected: ours ? expected : null,
    foreignSignal: foreign?.signal ?? null,
    engineWasAway: away && excused < AWAY_EXCUSES,
    rebooted: room.rebooted,
    firstSight: noticed.firstSight,
    oneShot: isOneShot(room, unit.name),
  };
}

/** Somebody waits for it to end well, so that its exit code 0 is its purpose. */
function isOneShot(room: Room, service: string): boolean {
  return (room.desired?.services ?? []).some((other) =>
    other.dependsOn.some(
      (need) => need.service === service && need.condition === 'service_completed_successfully',
    ),
  );
}

/**
 * Compares the container with what is on record: follows a new one, notices an exit that no event told of,
 * confirms one that an event told of, and takes back one whose event was an old one.
 * Exits are told apart by the engine's `FinishedAt`, which outlives a start.
 */
export function examine(room: Room, unit: Unit, container: ObservedContainer | null): void {
  if (container === null || !room.containers.isSampled(container.id)) return;
  const memory = room.memory.of(unit.name);
  const run = memory.run;
  if (container.startedAt !== null) unit.started = true;
  if (run === null || run.containerId !== container.id) {
    follow(room, unit, container);
    return;
  }
  if (container.finishedAt === run.finishedAt) {
    if (run.pending !== null) takeBack(room, unit);
    return;
  }
  if (run.pending !== null && !startedAfter(container, run.pending)) {
    room.memory.set(unit.name, {
      ...memory,
      run: { ...run, finishedAt: container.finishedAt, pending: null },
    });
    unit.undo = null;
    if (container.oomKilled && !isUp(container)) takeOverMemory(room, unit);
    return;
  }
  noteExit(room, unit, container, {
    exitCode: isUp(container) ? null : container.exitCode,
    oomKilled: container.oomKilled,
    finishedAt: container.finishedAt,
    firstSight: false,
  });
}

/** The engine knows of memory that ran out where no event told of it: the record says so, unless it has a better cause. */
function takeOverMemory(room: Room, unit: Unit): void {
  const memory = room.memory.of(unit.name);
  const record = memory.history.at(-1);
  if (record === undefined || record.attempt === 0 || record.oom_killed) return;
  const { cause, finding } = outOfMemory(unit.name, record.exit_code);
  const unnamed = unit.exitFinding?.code === 'container_exited';
  const fields = { oom_killed: true, ...(unnamed ? { cause, code: finding.code } : {}) };
  room.memory.set(unit.name, withRecord(memory, record, fields));
  if (unnamed) unit.exitFinding = finding;
}

/** The recorded exit is older than this run, and the run has ended too. */
function startedAfter(container: ObservedContainer, pending: string): boolean {
  return (
    !isUp(container) && container.startedAt !== null && Date.parse(container.startedAt) >= Date.parse(pending)
  );
}

function follow(room: Room, unit: Unit, container: ObservedContainer): void {
  const memory = room.memory.of(unit.name);
  endWatch(unit);
  // What made the one before it useless is not said of this one.
  unit.recreate = null;
  const run = { containerId: container.id, finishedAt: container.finishedAt, pending: null, readyRun: null };
  room.memory.set(unit.name, { ...memory, run });
  if (isUp(container) || container.state === 'created' || !memory.wanted) return;
  noteExit(room, unit, container, {
    exitCode: container.exitCode,
    oomKilled: container.oomKilled,
    finishedAt: container.finishedAt,
    firstSight: true,
  });
}

/** The event that told of the exit was about an earlier one. */
function takeBack(room: Room, unit: Unit): void {
  const memory = room.memory.of(unit.name);
  if (unit.undo !== null) {
    const { attempts, restarts, history, failure, nextRestartAt, expected, run } = unit.undo.memory;
    room.memory.set(unit.name, {
      ...memory,
      ...{ attempts, restarts, history, failure, nextRestartAt, expected },
      run: run === null ? null : { ...run, pending: null },
    });
    // The wait after the exit that is on record stands.
    unit.restartAt = unit.undo.restartAt;
    unit.exitFinding = unit.undo.exitFinding;
    unit.undo = null;
  } else if (memory.run !== null) {
    room.memory.set(unit.name, { ...memory, run: { ...memory.run, pending: null } });
  }
}
