import type { Cause } from './choose.ts';
import { withHostFacts } from './host-facts.ts';
import { type LogLine, readLogLine } from './log-line.ts';
import { type PreparedSignatures, prepareSignatures } from './match.ts';
import { splitRecords } from './records.ts';
import { createRun, type Run } from './run.ts';
import { SIGNATURES } from './signatures/index.ts';
import type { Diagnosis, Ending, Evidence } from './types.ts';

let prepared: PreparedSignatures | null = null;

/** Made for the first log: a daemon that starts, and a command that asks for something else, do not wait for it. */
const signatures = () => (prepared ??= prepareSignatures(SIGNATURES));

/** Containers told apart in one log (`docker compose logs`). */
const MAXIMUM_CONTAINERS = 32;
const MAXIMUM_DETAIL_LENGTH = 400;

/** Reads a log of any length, a line at a time; keeps only what the diagnosis needs. */
export interface Diagnoser {
  /** A line as it was written: prefixes, colours and timestamps are taken off here. */
  push(line: string): void;
  /** The cause; null when nothing has failed. */
  finish(ending: Ending): Diagnosis | null;
}

/** Makes a diagnoser for one log. */
export function createDiagnoser(): Diagnoser {
  const runs = new Map<string, Run>();
  let index = 0;
  const push = (raw: string): void => {
    const line = readLogLine(raw);
    if (line.text === '') return;
    for (const record of splitRecords(line)) pushLine(record);
  };
  const pushLine = (line: LogLine): void => {
    let run = runs.get(line.container);
    if (run === undefined) {
      if (runs.size >= MAXIMUM_CONTAINERS) return;
      run = createRun(signatures());
      runs.set(line.container, run);
    }
    run.push(line, index);
    index += 1;
  };
  return {
    push,
    finish(ending) {
      if (ending.answers === true) return null;
      for (const line of ending.engineError?.split(/[\r\n]+/) ?? []) push(line);
      const causes = [...runs.values()]
        .map((run) => run.cause(ending))
        .filter((cause) => cause !== null)
        .sort((a, b) => weight(b) - weight(a) || a.index - b.index);
      const [cause] = causes;
      if (cause !== undefined) return toDiagnosis(cause);
      return runs.size === 0 ? fromNothing(ending) : null;
    },
  };
}

/**
 * Tells why a service has failed, from its log since the last start, how it ended, what the engine said and what the host knows.
 * Null when nothing has failed: a service that answers, a healthy log, a stop in good order.
 */
export function diagnose({ log, host, ...ending }: Evidence): Diagnosis | null {
  if (ending.answers === true) return null;
  const diagnoser = createDiagnoser();
  for (const line of log) for (const piece of line.split(/[\r\n]+/)) diagnoser.push(piece);
  const found = diagnoser.finish(ending);
  return host === undefined ? found : withHostFacts(found, host);
}

function weight(cause: Cause): number {
  if (cause.kind === 'unknown') return 1;
  if (cause.kind === 'exit') return 0;
  return { host: 5, primary: 4, weak: 3, secondary: 2 }[cause.proof.match.strength];
}

/** Without a line the exit code alone speaks. */
function fromNothing(ending: Ending): Diagnosis | null {
  const cause = createRun(signatures()).cause(ending);
  return cause === null ? null : toDiagnosis(cause);
}

function toDiagnosis(cause: Cause): Diagnosis {
  switch (cause.kind) {
    case 'exit':
      return {
        code: cause.exit.code,
        signature: null,
        class: null,
        detail: cause.exit.detail,
        remedy: null,
        line: null,
        values: {},
      };
    case 'unknown': {
      const line = shorten(cause.message.lines.join(' '));
      return {
        code: 'unknown_failure',
        signature: null,
        class: null,
        detail: line,
        remedy: null,
        line,
        values: {},
      };
    }
    case 'proof': {
      const { signature, groups, line } = cause.proof.match;
      const known = Object.entries(groups).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      return {
        code: signature.code,
        signature: signature.knownAs ?? signature.id,
        class: (cause.whileReady ? signature.classWhileReady : undefined) ?? signature.class ?? null,
        detail: shorten(signature.detail?.(groups) ?? line),
        remedy: signature.remedy?.(groups) ?? null,
        line: shorten(line),
        values: Object.fromEntries(known),
      };
    }
  }
}

function shorten(text: string): string {
  return text.length <= MAXIMUM_DETAIL_LENGTH ? text : `${text.slice(0, MAXIMUM_DETAIL_LENGTH - 1)}…`;
}
