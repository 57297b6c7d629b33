import type { Clock } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import type { Connection } from './connection.ts';
import { type Engine, EngineError } from './engine.ts';
import type { EngineCalls, EngineLimits } from './engine-calls.ts';
import { PING_DEADLINE_MS, WATCHED_ACTIONS, watchEvents } from './events.ts';
import { logParameters, readLogLines } from './logs.ts';

/** Log drivers that keep nothing to read back, on every engine. */
const UNREADABLE_DRIVERS = new Set(['none']);

/** What {@link streamCalls} needs. */
interface StreamCallParts {
  clock: Clock;
  redactor: Redactor;
  log: Log;
  calls: EngineCalls;
  connection: Connection;
  limits: EngineLimits;
  inspectContainer: Engine['inspectContainer'];
}

/** The calls whose answer is a stream: logs and events. */
export function streamCalls(parts: StreamCallParts): Pick<Engine, 'logs' | 'watchEvents'> {
  const { clock, calls, connection, limits } = parts;

  async function* logs(...[id, query, signal]: Parameters<Engine['logs']>): ReturnType<typeof readLogLines> {
    const what = `reading the log of container ${id}`;
    const scope = new AbortController();
    const both = AbortSignal.any([signal, scope.signal]);
    try {
      const container = await parts.inspectContainer(id, both);
      if (container === null) {
        const detail = `${what}: there is no such container`;
        throw new EngineError('not_found', detail, { code: 'engine_call_failed', detail }, 404);
      }
      if (UNREADABLE_DRIVERS.has(container.logDriver)) {
        const detail = `container ${container.name} has the log driver "${container.logDriver}"`;
        throw new EngineError('refused', detail, { code: 'log_driver_unreadable', detail });
      }
      const request = {
        what,
        method: 'GET' as const,
        path: `/containers/${encodeURIComponent(id)}/logs`,
        query: logParameters(query),
        deadlineMs: limits.streamMs,
      };
      const stream = await calls.open('logs', request, both);
      const bounded = query.follow === true ? stream : withSilenceLimit(stream, what, both);
      yield* readLogLines(bounded, container.tty, parts.redactor);
    } catch (error) {
      if (signal.aborted) return;
      throw calls.toError(error, 'logs', what);
    } finally {
      scope.abort();
    }
  }

  /** A log that is only read to its end comes without pauses: a pause is a hung engine. */
  async function* withSilenceLimit(
    stream: AsyncIterable<Uint8Array>,
    what: string,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const chunks = stream[Symbol.asyncIterator]();
    for (;;) {
      const chunk = await withDeadline(clock, what, limits.streamMs, () => chunks.next(), signal);
      if (chunk.done) return;
      yield chunk.value;
    }
  }

  let connectedBefore = false;
  return {
    logs,
    watchEvents: (handlers, signal) =>
      watchEvents(
        {
          clock,
          log: parts.log,
          open: (scope) => {
            // Who comes back may be another engine; the first version was asked for a moment ago.
            if (connectedBefore) connection.forgetVersion();
            connectedBefore = true;
            const filters = JSON.stringify({ type: ['container'], event: WATCHED_ACTIONS });
            const what = 'watching the events of the Docker engine';
            const request = {
              what,
              method: 'GET' as const,
              path: '/events',
              query: { filters },
              deadlineMs: limits.readMs,
            };
            return calls.open('read', request, scope);
          },
          ping: (scope) =>
            calls.read('the Docker engine', PING_DEADLINE_MS, scope, async (docker) => {
              await docker.ping();
            }),
          toError: (error) => calls.toError(error, 'read', 'watching the events of the Docker engine'),
        },
        handlers,
        signal,
      ),
  };
}
