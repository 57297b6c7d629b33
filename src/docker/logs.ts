import { setImmediate } from 'node:timers/promises';
import type { Redactor } from '../lib/redact.ts';
import type { ContainerLogLine, LogQuery } from './engine.ts';
import { createLogDemultiplexer, createRawDemultiplexer } from './log-demultiplexer.ts';
import { createLogLineAssembler } from './log-lines.ts';

/** The query string of a log request. Timestamps are always asked for. */
export function logParameters(query: LogQuery): Record<string, string> {
  return {
    stdout: '1',
    stderr: '1',
    timestamps: '1',
    tail: query.tail === undefined ? 'all' : String(query.tail),
    follow: query.follow === true ? '1' : '0',
    ...(query.since === undefined ? {} : { since: unixSeconds(query.since) }),
    ...(query.until === undefined ? {} : { until: unixSeconds(query.until) }),
  };
}

/** Engines before 1.44 take only Unix seconds (with up to nine digits of fraction) here, not RFC 3339. */
function unixSeconds(time: string): string {
  const match = /^(.*?T\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(time);
  if (match === null) return time;
  const seconds = Date.parse(`${match[1]}${match[3]}`) / 1000;
  return Number.isFinite(seconds) ? `${seconds}.${(match[2] ?? '').padEnd(9, '0')}` : time;
}

/**
 * Longest time in which lines are handed on without a turn of the event loop: a log that is read from its beginning comes
 * as fast as it is taken, and everything else would wait for its end.
 */
const TURN_MS = 10;

/** Cuts a log stream into lines: framed, or raw for a container with a terminal. Every line is redacted. */
export async function* readLogLines(
  stream: AsyncIterable<Uint8Array>,
  tty: boolean,
  redactor: Redactor,
): AsyncGenerator<ContainerLogLine> {
  const demultiplexer = tty ? createRawDemultiplexer() : createLogDemultiplexer();
  const assembler = createLogLineAssembler(redactor.redact);
  let turnBegan = performance.now();
  for await (const chunk of stream) {
    for (const piece of demultiplexer.push(chunk)) {
      // not `yield*`, which costs several turns a line
      for (const line of assembler.push(piece)) yield line;
    }
    if (performance.now() - turnBegan < TURN_MS) continue;
    await setImmediate();
    turnBegan = performance.now();
  }
  for (const line of assembler.end()) yield line;
}
