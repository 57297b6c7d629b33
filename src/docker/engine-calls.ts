import type Docker from 'dockerode';
import type { Redactor } from '../lib/redact.ts';
import type { Connection } from './connection.ts';
import { DISK_RESERVE_BYTES } from './disk-check.ts';
import { EngineError, type EngineErrorKind } from './engine.ts';
import type { EngineOperation } from './engine-wordings.ts';
import { toEngineError } from './errors.ts';
import { PULL_LIMITS, type PullLimits } from './pull.ts';
import type { StreamRequest } from './response-stream.ts';

/** Deadlines of the calls, in milliseconds, and the space that is kept free. */
export interface EngineLimits {
  /** Inspect, list, info. */
  readMs: number;
  /** Create, start, connect. */
  createMs: number;
  removeMs: number;
  /** Beside the grace that a stop gives the container. */
  stopMarginMs: number;
  /** Until the head of a stream, and between two pieces of a log that is not followed. */
  streamMs: number;
  pull: PullLimits;
  /** Kept free on the file system of the images by a pull that knows its size. */
  diskReserveBytes: number;
}

/** Reads answer in milliseconds and creations in under a second; a loaded engine takes several times that. */
export const STANDARD_LIMITS: EngineLimits = {
  readMs: 5_000,
  createMs: 30_000,
  removeMs: 30_000,
  stopMarginMs: 15_000,
  streamMs: 10_000,
  pull: PULL_LIMITS,
  diskReserveBytes: DISK_RESERVE_BYTES,
};

/** Calls with deadline and typed errors: the only way from the rooms of this folder to the connection. */
export interface EngineCalls {
  /** A call that changes nothing: sent once more when the connection breaks. */
  read<T>(
    what: string,
    deadlineMs: number,
    signal: AbortSignal | undefined,
    run: (docker: Docker) => Promise<T>,
  ): Promise<T>;
  /** A call that changes something: never sent twice. */
  change<T>(
    operation: EngineOperation,
    what: string,
    deadlineMs: number,
    signal: AbortSignal | undefined,
    run: (docker: Docker) => Promise<T>,
  ): Promise<T>;
  /** A stream whose own errors are typed too. */
  open(
    operation: EngineOperation,
    request: StreamRequest,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  toError(error: unknown, operation: EngineOperation, what: string): EngineError;
}

/** Puts types on the errors of a connection. An abort of the caller's signal stays the caller's own reason. */
export function createEngineCalls(connection: Connection, redactor: Redactor): EngineCalls {
  const toError: EngineCalls['toError'] = (error, operation, what) =>
    toEngineError(error, operation, what, redactor);
  const typed = async <T>(
    operation: EngineOperation,
    what: string,
    signal: AbortSignal | undefined,
    call: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      throw toError(error, operation, what);
    }
  };
  async function* typedStream(
    stream: AsyncIterable<Uint8Array>,
    operation: EngineOperation,
    what: string,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* stream;
    } catch (error) {
      signal.throwIfAborted();
      throw toError(error, operation, what);
    }
  }
  return {
    toError,
    read: (what, deadlineMs, signal, run) =>
      typed('read', what, signal, () => connection.call({ what, deadlineMs, idempotent: true }, run, signal)),
    change: (operation, what, deadlineMs, signal, run) =>
      typed(operation, what, signal, () =>
        connection.call({ what, deadlineMs, idempotent: false }, run, signal),
      ),
    open: (operation, request, signal) =>
      typed(operation, request.what, signal, async () =>
        typedStream(await connection.open(request, signal), operation, request.what, signal),
      ),
  };
}

/** Runs `call`; null when what it asks for is not there. */
export async function orNullWhenMissing<T>(call: Promise<T>): Promise<T | null> {
  return call.catch((error: unknown) => {
    if (isKind(error, 'not_found')) return null;
    throw error;
  });
}

/** Whether a rejection is an engine error of this kind. */
export function isKind(error: unknown, kind: EngineErrorKind): boolean {
  return error instanceof EngineError && error.kind === kind;
}
