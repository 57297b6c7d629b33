import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Control, LogQuery } from './control.ts';
import { HttpError } from './problem-json.ts';

/** Streams open at the same time; each holds a connection to the engine. */
const MAXIMUM_STREAMS = 16;

/** A log that cannot be opened mostly says so within this time, while an error answer is still possible. */
const OPENING_MS = 300;

/** The open log streams of one server. */
export interface LogStreams {
  /** Answers with the lines as text/plain. Throws {@link HttpError} while nothing has been sent. */
  send(reply: FastifyReply, name: string, query: LogQuery): Promise<void>;
  /** Ends all of them. */
  close(): void;
}

/** Makes the log streams over `logs`. */
export function createLogStreams(logs: Control['logs'], clock: Clock, log: Log): LogStreams {
  const open = new Set<AbortController>();
  return {
    async send(reply, name, query) {
      if (open.size >= MAXIMUM_STREAMS) {
        throw new HttpError({ status: 503, detail: `There are already ${open.size} open log streams.` });
      }
      const abort = new AbortController();
      open.add(abort);
      reply.raw.once('close', () => abort.abort());
      try {
        const lines = logs(name, query, abort.signal)[Symbol.asyncIterator]();
        const first = lines.next();
        await openingFailure(first, clock);
        reply.hijack();
        reply.raw.writeHead(200, { ...plainHeaders(reply), 'content-type': 'text/plain; charset=utf-8' });
        reply.raw.flushHeaders();
        await pipeline(Readable.from(textOf(first, lines, abort.signal)), reply.raw).catch(
          (error: unknown) => {
            if (!abort.signal.aborted) log.warn(`the log of ${name} broke off: ${errorMessage(error)}`);
          },
        );
      } finally {
        open.delete(abort);
        abort.abort();
      }
    },
    close() {
      for (const abort of open) abort.abort();
    },
  };
}

/** Throws when the first line fails soon; otherwise the stream is taken as opened. */
async function openingFailure(first: Promise<IteratorResult<string>>, clock: Clock): Promise<void> {
  const timer = new AbortController();
  const opened = clock.sleep(OPENING_MS, timer.signal).catch(() => undefined);
  try {
    await Promise.race([first, opened]);
  } catch (error) {
    throw new HttpError({ status: 503, detail: `The log cannot be read: ${errorMessage(error)}` });
  } finally {
    timer.abort();
    first.catch(() => undefined);
  }
}

/** The lines with their ends; ends (without an error) at the abort, even when the source ignores it. */
async function* textOf(
  first: Promise<IteratorResult<string>>,
  rest: AsyncIterator<string>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const aborted = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  try {
    for (let next = first; ; next = rest.next()) {
      const result = await Promise.race([next, aborted]);
      if (result === null || result.done === true) return;
      yield `${result.value}\n`;
    }
  } finally {
    void Promise.resolve(rest.return?.()).catch(() => undefined);
  }
}

function plainHeaders(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}
