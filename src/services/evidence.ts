import type { ContainerLogLine, ObservedContainer } from '../docker/engine.ts';
import { EngineError } from '../docker/engine.ts';
import { withDeadline } from '../lib/deadline.ts';
import { errorMessage } from '../lib/errors.ts';
import type { LastExit } from '../status/schema.ts';
import { logStart, withEvidence } from './exits.ts';
import type { Room } from './room.ts';
import { serviceLane } from './step.ts';
import type { Unit } from './unit.ts';

/** Log lines kept with an exit. */
const EVIDENCE_LINES = 50;
/** Lines asked for: the first ones of the next run may stand behind those of the one that ended. */
const ASKED_LINES = 200;
const EVIDENCE_DEADLINE_MS = 15_000;

/**
 * Reads the last lines of the run that ended into its record. The start that answers the exit goes first:
 * nothing may stand between an exit and its restart.
 */
export function gatherLogs(
  room: Room,
  unit: Unit,
  container: ObservedContainer,
  record: LastExit,
  until: string,
): void {
  void (async () => {
    const { clock, engine, log } = room.parts;
    await room.lanes.get(serviceLane(unit.name))?.done;
    try {
      const since = logStart(container);
      const query = { tail: ASKED_LINES, until, ...(since === null ? {} : { since }) };
      const lines = await withDeadline(
        clock,
        `the log of ${unit.name}`,
        EVIDENCE_DEADLINE_MS,
        (signal) => collect(engine.logs(container.id, query, signal)),
        room.signal,
      );
      const logTail = lines.slice(-EVIDENCE_LINES).map((line) => line.text);
      if (logTail.length === 0) return;
      room.memory.set(unit.name, withEvidence(room.memory.of(unit.name), record, { logTail }));
      room.wake();
    } catch (error) {
      if (room.signal.aborted) return;
      const why = error instanceof EngineError ? error.finding.detail : errorMessage(error);
      log.warn(`the last log lines of ${unit.name} could not be read: ${why}`);
    }
  })();
}

async function collect(lines: AsyncIterable<ContainerLogLine>): Promise<ContainerLogLine[]> {
  const collected: ContainerLogLine[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}
