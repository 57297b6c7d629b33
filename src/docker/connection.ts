import { Agent, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import type { Clock } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import { type NegotiatedVersion, negotiateVersion } from './api-version.ts';
import { ConnectionLostError, isBrokenConnection, isVersionRefused } from './errors.ts';
import { openStream, type StreamRequest } from './response-stream.ts';

/** Deadline of the answer that the API version is chosen from. */
const VERSION_DEADLINE_MS = 5_000;

/** One call through dockerode. */
interface CallDescription {
  /** Names the call in a message: "starting container api". */
  what: string;
  deadlineMs: number;
  /** Sent once more when the connection breaks under it; never for a change. */
  idempotent: boolean;
}

/** The socket of the engine, with the API version that both sides speak. Rejects with untyped errors. */
export interface Connection {
  call<T>(
    description: CallDescription,
    run: (docker: Docker) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T>;
  /** Resolves with the bytes of a 2xx answer; the iteration throws when the connection breaks before the end. */
  open(request: StreamRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  version(signal?: AbortSignal): Promise<NegotiatedVersion>;
  /** The engine may be another one now: choose the version again at the next call. */
  forgetVersion(): void;
}

/** Makes a connection; nothing is sent before the first call. */
export function createConnection(socketPath: string, clock: Clock): Connection {
  let negotiation: Promise<NegotiatedVersion> | null = null;

  const version = (): Promise<NegotiatedVersion> => {
    if (negotiation !== null) return negotiation;
    const attempt = askVersion();
    negotiation = attempt;
    attempt.catch(() => {
      if (negotiation === attempt) negotiation = null;
    });
    return attempt;
  };
  const askVersion = async () => {
    const ask = (signal: AbortSignal) => once(socketPath, null, (docker) => docker.version(), signal);
    const answer = await withDeadline(clock, 'the Docker engine', VERSION_DEADLINE_MS, async (signal) => {
      try {
        return await ask(signal);
      } catch (error) {
        if (isBrokenConnection(error)) return await ask(signal);
        throw error;
      }
    });
    const negotiated = negotiateVersion(answer);
    if (negotiated === null) throw new Error('the engine does not name its API version');
    return negotiated;
  };
  const forgetVersion = () => {
    negotiation = null;
  };

  return {
    version: (signal) => withDeadline(clock, 'the Docker engine', VERSION_DEADLINE_MS, version, signal),
    forgetVersion,
    call: (description, run, outer) =>
      withDeadline(
        clock,
        description.what,
        description.deadlineMs,
        async (signal) => {
          const attempt = async () => once(socketPath, (await version()).spoken, run, signal);
          try {
            return await attempt();
          } catch (error) {
            signal.throwIfAborted();
            if (isVersionRefused(error)) {
              forgetVersion();
              return await attempt();
            }
            if (!isBrokenConnection(error)) throw error;
            forgetVersion();
            if (!description.idempotent) throw error;
            return await attempt();
          }
        },
        outer,
      ),
    async open(request, outer) {
      const send = async (signal: AbortSignal) => {
        const attempt = async () => openStream(socketPath, (await version()).spoken, request, outer, signal);
        try {
          return await attempt();
        } catch (error) {
          signal.throwIfAborted();
          if (!isVersionRefused(error)) throw error;
          forgetVersion();
          return await attempt();
        }
      };
      return request.deadlineMs === null
        ? await send(outer)
        : await withDeadline(clock, request.what, request.deadlineMs, send, outer);
    },
  };
}

/**
 * Runs one dockerode call on a connection of its own. docker-modem leaves its promise pending for ever when the body of an
 * answer is cut, so the end of the socket ends the call; and a connection that nobody shares cannot be stale.
 */
async function once<T>(
  socketPath: string,
  apiVersion: string | null,
  run: (docker: Docker) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => undefined);
  // the answer itself is delivered before the end of its socket is
  const agent = new OwnSocketAgent(() => setImmediate(() => reject(new ConnectionLostError())));
  const onAbort = () => {
    reject(signal.reason);
    agent.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const options = {
      socketPath,
      // DOCKER_HOST in the environment would win over the socket otherwise
      host: undefined,
      port: undefined,
      protocol: 'http' as const,
      agent,
      ...(apiVersion === null ? {} : { version: `v${apiVersion}` }),
    };
    const answer = run(new Docker(options));
    answer.catch(() => undefined);
    return await Promise.race([answer, lost]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    agent.destroy();
  }
}

class OwnSocketAgent extends Agent {
  readonly onClose: () => void;
  constructor(onClose: () => void) {
    super({ keepAlive: false });
    this.onClose = onClose;
  }
  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback);
    socket?.once('close', this.onClose);
    return socket;
  }
  /** docker-modem shows every request, agent and sockets included, to a debug log that nobody reads: milliseconds a call. */
  [inspect.custom](): string {
    return 'OwnSocketAgent';
  }
}
