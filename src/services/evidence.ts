import type { Diagnosis, HostFacts } from '../diagnosis/types.ts';
import type { ContainerLogLine, ObservedContainer } from '../docker/engine.ts';
import { EngineError } from '../docker/engine.ts';
import { withDeadline } from '../lib/deadline.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Finding } from '../status/problem.ts';
import type { LastExit } from '../status/schema.ts';
import { logStart, outOfMemory, withRecord } from './exits.ts';
import { tryHeal } from './healing.ts';
import { judgeExit } from './judgement.ts';
import { isUp } from './plan-order.ts';
import type { Room } from './room.ts';
import { serviceLane } from './step.ts';
import type { Unit } from './unit.ts';

/** Log lines kept with an exit. */
const EVIDENCE_LINES = 50;
/** Lines asked for: the cause stands up to 150 lines above the end of a failed start, and a chatty run logs more. */
const ASKED_LINES = 2_000;
const EVIDENCE_DEADLINE_MS = 15_000;

/** An exit that is looked into. */
export interface ExitCase {
  record: LastExit;
  /** Where the log of the run begins and ends, RFC 3339; `since` null: as the container tells. */
  since: string | null;
  until: string;
  /** What the exit alone tells; null: it needs no cause (asked for, or nobody's fault). */
  finding: Finding | null;
}

/**
 * Looks into an exit beside the restart: reads the log of the run that ended into its record, finds the cause, heals it or
 * judges whether the restarts go on. The start that answers the exit goes first: nothing may stand between them.
 */
export function investigate(room: Room, unit: Unit, container: ObservedContainer, exit: ExitCase): void {
  const work = async () => {
    const { log } = room.parts;
    await room.lanes.get(serviceLane(unit.name))?.done;
    let lines: string[] = [];
    try {
      lines = await readLog(room, unit, container, exit);
    } catch (error) {
      if (room.signal.aborted) return;
      const why = error instanceof EngineError ? error.finding.detail : errorMessage(error);
      log.warn(`the last log lines of ${unit.name} could not be read: ${why}`);
    }
    if (room.signal.aborted || room.units.get(unit.name) !== unit) return;
    const logTail = lines.slice(-EVIDENCE_LINES);
    if (logTail.length > 0) {
      room.memory.set(unit.name, withRecord(room.memory.of(unit.name), exit.record, { log_tail: logTail }));
    }
    if (exit.finding !== null) {
      const host = (await room.parts.hostFacts?.(unit.name, container.startedAt)) ?? null;
      if (room.signal.aborted || room.units.get(unit.name) !== unit) return;
      const { record, finding } = await withMemory(room, unit, container, exit, exit.finding);
      conclude(room, unit, record, finding, lines, host);
    }
    room.wake();
  };
  work().catch((error: unknown) => {
    room.parts.log.error(`the exit of ${unit.name} could not be looked into: ${errorMessage(error)}`);
  });
}

async function readLog(
  room: Room,
  unit: Unit,
  container: ObservedContainer,
  { since, until }: ExitCase,
): Promise<string[]> {
  const { clock, engine } = room.parts;
  const from = later(logStart(container), since);
  const query = { tail: ASKED_LINES, until, ...(from === null ? {} : { since: from }) };
  const lines = await withDeadline(
    clock,
    `the log of ${unit.name}`,
    EVIDENCE_DEADLINE_MS,
    (signal) => collect(engine.logs(container.id, query, signal)),
    room.signal,
  );
  return lines.map((line) => line.text);
}

/** The engine does not tell of every process that was ended for want of memory: the kernel is asked. */
async function withMemory(
  room: Room,
  unit: Unit,
  container: ObservedContainer,
  { record, until }: ExitCase,
  finding: Finding,
): Promise<{ record: LastExit; finding: Finding }> {
  const known = { record, finding };
  if (record.oom_killed || finding.code !== 'container_exited') return known;
  const killed =
    recordOf(room, unit, record)?.oom_killed === true ||
    (await room.parts.ranOutOfMemory?.(container.id, until).catch(() => false));
  if (killed !== true || room.signal.aborted) return known;
  const words = outOfMemory(unit.name, record.exit_code);
  const fields = { oom_killed: true, cause: words.cause };
  room.memory.set(unit.name, withRecord(room.memory.of(unit.name), record, fields));
  return { record: { ...record, ...fields }, finding: words.finding };
}

/** The record as it stands by now: a later look at the container may have told more. */
function recordOf(room: Room, unit: Unit, record: LastExit): LastExit | undefined {
  const { history } = room.memory.of(unit.name);
  return history.findLast((exit) => exit.at === record.at && exit.attempt === record.attempt);
}

/** The cause of a counted exit: on record, healed where that is possible, else judged. */
function conclude(
  room: Room,
  unit: Unit,
  record: LastExit,
  known: Finding,
  lines: readonly string[],
  host: HostFacts | null,
): void {
  const { clock, log } = room.parts;
  const diagnosis = room.parts.diagnose?.({
    log: lines,
    exitCode: record.exit_code,
    oomKilled: record.oom_killed,
    engineError: null,
    ...(host === null ? {} : { host }),
  });
  const finding = findingOf(diagnosis ?? null, known);
  const diagnosed = finding !== known;
  const before = room.memory.of(unit.name);
  const container = before.run === null ? undefined : room.containers.get(before.run.containerId);
  const stands = container === undefined || !isUp(container);
  const judged = judgeExit(before, record, finding, stands, clock.now());
  if (judged === null) return;
  if (unit.watch?.ready !== true) unit.exitFinding = finding;
  // One that is over already is shown as a problem no more.
  else if (diagnosed) log.warn(`${unit.name}: ${finding.code}: ${finding.detail}`);
  if (diagnosed && diagnosis != null && before.attempts >= record.attempt) {
    const { code, cause } = judged.memory.history.findLast((exit) => exit.at === record.at) ?? record;
    room.memory.set(
      unit.name,
      withRecord(before, record, { cause, ...(code === undefined ? {} : { code }) }),
    );
    if (tryHeal(room, unit, diagnosis)) return;
    const tried = room.memory.of(unit.name).healed;
    if (tried !== undefined) judged.memory = { ...judged.memory, healed: tried };
  }
  room.memory.set(unit.name, judged.memory);
  if (judged.retryInMs !== null) unit.restartAt = clock.monotonicMs() + judged.retryInMs;
  const { failure } = judged.memory;
  if (failure !== null && failure.since !== before.failure?.since) {
    log.info(`${unit.name} is not restarted at once any more: ${failure.code}`);
  }
}

/** What the log tells goes before what the exit alone tells, except where we ended it ourselves without a known reason. */
function findingOf(diagnosis: Diagnosis | null, known: Finding): Finding {
  if (diagnosis === null || known.code === 'not_responding') return known;
  if (diagnosis.signature === null && known.code !== 'container_exited') return known;
  if (diagnosis.code === 'unknown_failure' && diagnosis.line === null) return known;
  return {
    code: diagnosis.code,
    detail: diagnosis.detail,
    ...(diagnosis.remedy === null ? {} : { remedy: diagnosis.remedy }),
    ...(diagnosis.class == null ? {} : { class: diagnosis.class }),
  };
}

/** The later of two RFC 3339 times; null counts as the beginning. */
function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Date.parse(a) >= Date.parse(b) ? a : b;
}

async function collect(lines: AsyncIterable<ContainerLogLine>): Promise<ContainerLogLine[]> {
  const collected: ContainerLogLine[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}
