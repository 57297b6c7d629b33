import type { ServiceSpec } from '../compose/service-spec.ts';
import { EngineError, type ObservedContainer } from '../docker/engine.ts';
import { withDeadline } from '../lib/deadline.ts';
import { errorMessage } from '../lib/errors.ts';
import { type ServiceMemory, withFreshAttempts } from './memory.ts';
import { isUp } from './plan-order.ts';
import { healthResult, probeTarget } from './probe-target.ts';
import { HEALTHY_RESET_MS } from './restart-policy.ts';
import type { Room } from './room.ts';
import {
  afterProbe,
  isProbeLine,
  newRunWatch,
  PROBE_OUTER_DEADLINE_MS,
  type RunWatch,
  verdictOf,
} from './run-watch.ts';
import { serviceLane } from './step.ts';
import type { ProbeResult } from './types.ts';
import type { Unit } from './unit.ts';

/** Pause before a broken log stream of a starting container is opened again. */
const LOG_RETRY_MS = 5_000;

/** Stops probing and reading the run that was watched. */
export function endWatch(unit: Unit): void {
  unit.watching?.abort();
  unit.watching = null;
  unit.watch = null;
  unit.probing = false;
}

/** Keeps the watch of a service in step with its container: begins, probes, judges, ends. */
export function keepWatch(
  room: Room,
  unit: Unit,
  service: ServiceSpec,
  container: ObservedContainer | null,
): void {
  if (container === null || !isUp(container)) {
    endWatch(unit);
    return;
  }
  if (container.state === 'paused') {
    // It answers nothing, and not because it hangs: its run is watched anew when it goes on.
    endWatch(unit);
    unit.doomed = null;
    return;
  }
  const now = room.parts.clock.monotonicMs();
  if (unit.watch === null || unit.watch.containerId !== container.id) {
    if (!room.containers.isSampled(container.id)) return;
    beginWatch(room, unit, container, now);
  }
  const watch = unit.watch;
  const memory = room.memory.of(unit.name);
  if (watch === null || !memory.wanted) return;
  if (!unit.probing && now >= watch.nextProbeAt) probe(room, unit, service, container);
  judge(room, unit, now);
}

/** Something of a starting service moved: bytes, a phase. */
export function noteMovement(unit: Unit, now: number): void {
  if (unit.watch !== null) unit.watch = { ...unit.watch, movedAt: now };
}

function beginWatch(room: Room, unit: Unit, container: ObservedContainer, now: number): void {
  endWatch(unit);
  const { run } = room.memory.of(unit.name);
  const wasReady = container.startedAt !== null && run?.readyRun === container.startedAt;
  unit.watch = newRunWatch(container.id, wasReady, now);
  unit.watching = new AbortController();
  if (wasReady) {
    void tryLog(room, unit, container, unit.watching.signal);
    return;
  }
  const { startedAt, image, finishedAt } = container;
  const { onRun } = room.parts;
  onRun?.(unit.name, { kind: 'began', startedAt, image, firstRun: finishedAt === null });
  unit.watching.signal.addEventListener('abort', () => onRun?.(unit.name, { kind: 'ended' }), { once: true });
  void followLog(room, unit, container, unit.watching.signal);
}

function judge(room: Room, unit: Unit, now: number): void {
  const watch = unit.watch;
  if (watch === null || room.lanes.has(serviceLane(unit.name))) return;
  const verdict = verdictOf(watch, room.parts.settings.silenceLimitMs, now);
  unit.doomed = verdict === null ? null : { containerId: watch.containerId, ...verdict };
  const memory = room.memory.of(unit.name);
  const healthyMs = watch.readySince === null ? 0 : now - watch.readySince;
  if (healthyMs >= HEALTHY_RESET_MS && (memory.attempts > 0 || memory.failure !== null)) {
    room.memory.set(unit.name, withFreshAttempts(memory));
  }
}

function probe(room: Room, unit: Unit, service: ServiceSpec, container: ObservedContainer): void {
  const { clock, probes } = room.parts;
  const own = probes[unit.name];
  const askedAt = clock.monotonicMs();
  const project = room.desired?.project;
  if (own === undefined || project === undefined) {
    takeResult(room, unit, container, healthResult(container), askedAt);
    return;
  }
  const signal = unit.watching?.signal;
  unit.probing = true;
  withDeadline(
    clock,
    `the probe of ${unit.name}`,
    PROBE_OUTER_DEADLINE_MS,
    (limit) => own(probeTarget(service, project, container), limit),
    signal,
  )
    .catch(
      (error: unknown): ProbeResult => ({
        ready: false,
        alive: false,
        detail: errorMessage(error),
        finding: null,
      }),
    )
    .then((result) => {
      if (signal?.aborted === true) return;
      unit.probing = false;
      takeResult(room, unit, container, result, askedAt);
      room.wake();
    });
}

function takeResult(
  room: Room,
  unit: Unit,
  container: ObservedContainer,
  result: ProbeResult,
  askedAt: number,
): void {
  if (unit.watch === null) return;
  const before: RunWatch = unit.watch;
  const after = afterProbe(before, result, askedAt, room.parts.clock.monotonicMs());
  unit.watch = after;
  if (after.ready && !before.ready) {
    unit.exitFinding = null;
    if (!before.wasReady) {
      room.parts.log.info(`${unit.name} is ready`);
      room.parts.onRun?.(unit.name, { kind: 'ready' });
    }
    const memory = overcome(room.memory.of(unit.name));
    room.memory.set(unit.name, memory);
    if (memory.run !== null && memory.run.readyRun !== container.startedAt) {
      room.memory.set(unit.name, { ...memory, run: { ...memory.run, readyRun: container.startedAt } });
    }
  }
  if (after.ready && !before.ready) askPagesAgain(room);
  if (before.ready && !after.ready) room.parts.log.warn(`${unit.name} missed a probe: ${result.detail}`);
}

/** A page that did not offer its model may do so now that something has become ready. */
function askPagesAgain(room: Room): void {
  for (const { watch } of room.units.values()) {
    if (watch?.backendReady === false) watch.nextProbeAt = room.parts.clock.monotonicMs();
  }
}

/** What stopped the restarts is over when it runs and answers; a loop is over only after ten such minutes. */
function overcome(memory: ServiceMemory): ServiceMemory {
  const stood = memory.failure !== null && memory.failure.code !== 'restart_loop';
  return stood ? { ...memory, failure: null } : memory;
}

/** Reads the log of a run until it is ready or ends; every line that is not of our own probes is movement. */
async function followLog(
  room: Room,
  unit: Unit,
  container: ObservedContainer,
  signal: AbortSignal,
): Promise<void> {
  const { clock, engine, onLogLine } = room.parts;
  let since = container.startedAt ?? container.createdAt;
  while (!signal.aborted && unit.watch !== null && !unit.watch.wasReady) {
    try {
      for await (const line of engine.logs(container.id, { follow: true, since }, signal)) {
        if (signal.aborted) return;
        if (line.timestamp !== '') since = line.timestamp;
        if (!isProbeLine(line.text)) noteMovement(unit, clock.monotonicMs());
        onLogLine?.(unit.name, line);
        if (unit.watch?.wasReady !== false) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (noteUnreadable(room, unit, error)) return;
    }
    await clock.sleep(LOG_RETRY_MS, signal).catch(() => undefined);
  }
}

/** Whether the log of an adopted run can be read: the next cause of a failure is found in it. */
async function tryLog(
  room: Room,
  unit: Unit,
  container: ObservedContainer,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const _line of room.parts.engine.logs(container.id, { tail: 1 }, signal)) return;
  } catch (error) {
    if (!signal.aborted) noteUnreadable(room, unit, error);
  }
}

/** Keeps that a log driver gives nothing back; false for any other failure. */
function noteUnreadable(room: Room, unit: Unit, error: unknown): boolean {
  if (!(error instanceof EngineError) || error.finding.code !== 'log_driver_unreadable') return false;
  if (unit.watch !== null) unit.watch = { ...unit.watch, logsUnreadable: error.finding };
  room.wake();
  return true;
}
