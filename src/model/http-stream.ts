import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';

/** Status and headers of an answer. */
export interface StreamHead {
  status: number;
  /** A header's first value, or null. */
  header(name: string): string | null;
}

/** Takes an answer as it comes. */
export interface StreamReceiver {
  /** Whether the bytes of this answer are wanted. What it throws ends the connection and is thrown to the caller. */
  onHead(head: StreamHead): boolean;
  /** The next bytes, in a buffer of their own. A promise pauses the connection until it resolves. */
  onBytes(chunk: Buffer): Promise<void> | undefined;
}

/** The connection failed; the cause says how. What a receiver throws is thrown as it is. */
export class ConnectionError extends Error {
  constructor(cause: Error) {
    super('the connection was lost', { cause });
    this.name = 'ConnectionError';
  }
}

/**
 * One connection takes so much in one turn of the event loop: a fast socket would give up to 2 MiB, and sixteen of them
 * would keep everything else waiting for 50 ms.
 */
const TURN_BYTES = 64 * 1024;
/** An answer whose bytes are not wanted is read so far to keep its connection, and cut when it is longer. */
const UNWANTED_BYTES = 64 * 1024;

/**
 * GET whose bytes are handed on as the socket gives them: a stream in between costs a sixth more CPU at full speed.
 * Resolves with the head when the answer has ended, or as soon as it is not wanted. Rejects with a
 * {@link ConnectionError}, with what the receiver throws, or with the signal's reason.
 */
export function streamGet(
  dispatcher: Dispatcher,
  url: URL,
  headers: Record<string, string>,
  receiver: StreamReceiver,
  signal: AbortSignal,
): Promise<StreamHead> {
  return new Promise((resolve, reject) => {
    let control: Dispatcher.DispatchController | null = null;
    let answer: StreamHead | null = null;
    let wanted = true;
    let unwantedBytes = 0;
    let turnBytes = 0;
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', onAbort);
      const cause = error instanceof Error ? error : new Error(String(error));
      reject(cause);
      control?.abort(cause);
    };
    const onAbort = () => fail(signal.reason);
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    dispatcher.dispatch(
      { origin: url.origin, path: `${url.pathname}${url.search}`, method: 'GET', headers },
      {
        onRequestStart(controller) {
          control = controller;
          if (signal.aborted) controller.abort(signal.reason);
        },
        onResponseStart(_controller, status, received) {
          if (status < 200) return;
          const head: StreamHead = {
            status,
            header: (name) => {
              const value = received[name];
              return (Array.isArray(value) ? value[0] : value) ?? null;
            },
          };
          answer = head;
          try {
            wanted = receiver.onHead(head);
          } catch (error) {
            fail(error);
            return;
          }
          if (!wanted) resolve(head);
        },
        onResponseData(controller, chunk) {
          if (!wanted) {
            unwantedBytes += chunk.length;
            if (unwantedBytes > UNWANTED_BYTES) controller.abort(new Error('the answer is not wanted'));
            return;
          }
          // undici resumes with an empty chunk: pausing at that would resume and pause without end.
          if (chunk.length === 0) return;
          try {
            turnBytes += chunk.length;
            let pause = receiver.onBytes(chunk);
            if (pause === undefined && turnBytes >= TURN_BYTES) pause = nextTurn();
            if (pause === undefined) return;
            turnBytes = 0;
            controller.pause();
            pause.then(() => controller.resume(), fail);
          } catch (error) {
            fail(error);
          }
        },
        onResponseEnd() {
          signal.removeEventListener('abort', onAbort);
          if (answer !== null) resolve(answer);
        },
        onResponseError(_controller, error) {
          signal.removeEventListener('abort', onAbort);
          reject(new ConnectionError(error));
        },
      },
    );
  });
}
