import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Engine, EngineError } from './engine.ts';
import { parseEvent } from './event-message.ts';
import { createNdjsonReader } from './ndjson.ts';

const RECONNECT_FIRST_MS = 250;
const RECONNECT_LIMIT_MS = 5_000;

/**
 * Pause between two signs of life that are asked for, beside the stream: a hung engine keeps its connections open and
 * says nothing. With the deadline of a ping it is reported within 10 s.
 */
const PING_PAUSE_MS = 3_000;
/** Deadline of a ping. An engine under load answers late, so it is longer than the pause. */
export const PING_DEADLINE_MS = 5_000;

/** Events that can change what is decided; health checks alone make two `exec_` events a second. */
export const WATCHED_ACTIONS = [
  'create',
  'start',
  'restart',
  'die',
  'stop',
  'kill',
  'oom',
  'pause',
  'unpause',
  'rename',
  'update',
  'destroy',
  'health_status',
] as const;

/** What the watch needs from outside. */
export interface EventParts {
  clock: Clock;
  log: Log;
  /** Opens the stream of events; its bytes. Rejects with EngineError, as does the stream when it breaks. */
  open(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** One sign of life. Rejects with EngineError. */
  ping(signal: AbortSignal): Promise<void>;
  toError(error: unknown): EngineError;
}

type Handlers = Parameters<Engine['watchEvents']>[0];

/** The stream ended without an error: the engine goes down in good order. */
class StreamEndedError extends Error {
  readonly code = 'ECONNRESET';
  constructor() {
    super('the engine ended the stream of events');
    this.name = 'StreamEndedError';
  }
}

/**
 * Follows the events of the engine until `signal` aborts; then resolves. Connects again by itself, after 250 ms doubling
 * to 5 s. `onDisconnect` is called once for an outage, and again when its cause changes; nothing of an old connection is
 * delivered after it. A handler that throws is logged and disturbs nothing.
 */
export async function watchEvents(parts: EventParts, handlers: Handlers, signal: AbortSignal): Promise<void> {
  let pauseMs = RECONNECT_FIRST_MS;
  let reported: string | null = null;
  while (!signal.aborted) {
    const connection = new AbortController();
    const scope = AbortSignal.any([signal, connection.signal]);
    try {
      const stream = await parts.open(scope);
      pauseMs = RECONNECT_FIRST_MS;
      reported = null;
      guarded(parts.log, () => handlers.onConnect());
      await Promise.race([deliver(parts, stream, handlers, scope), keepPinging(parts, scope)]);
    } catch (error) {
      if (signal.aborted) return;
      connection.abort();
      const cause = parts.toError(error);
      const identity = `${cause.finding.code} ${cause.kind}`;
      if (identity !== reported) guarded(parts.log, () => handlers.onDisconnect(cause));
      reported = identity;
    } finally {
      connection.abort();
    }
    try {
      await parts.clock.sleep(pauseMs, signal);
    } catch {
      return;
    }
    pauseMs = Math.min(pauseMs * 2, RECONNECT_LIMIT_MS);
  }
}

async function deliver(
  parts: EventParts,
  stream: AsyncIterable<Uint8Array>,
  handlers: Handlers,
  scope: AbortSignal,
): Promise<never> {
  const reader = createNdjsonReader();
  for await (const chunk of stream) {
    for (const message of reader.push(chunk)) {
      scope.throwIfAborted();
      const event = parseEvent(message);
      if (event === null) parts.log.debug('an event of the engine was not understood');
      else guarded(parts.log, () => handlers.onEvent(event));
    }
  }
  throw new StreamEndedError();
}

async function keepPinging(parts: EventParts, scope: AbortSignal): Promise<never> {
  for (;;) {
    await parts.clock.sleep(PING_PAUSE_MS, scope);
    await parts.ping(scope);
  }
}

function guarded(log: Log, handler: () => void): void {
  try {
    handler();
  } catch (error) {
    log.error('a handler of engine events failed', { error: errorMessage(error) });
  }
}
