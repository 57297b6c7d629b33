import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Control } from './control.ts';
import { isAllowedHost } from './host-check.ts';
import { createJobs } from './jobs.ts';
import { tcpListenError } from './listen-error.ts';
import { createLogStreams } from './log-stream.ts';
import { problemOf, rawProblemAnswer, sendProblem } from './problem-json.ts';
import { addControlRoutes, addNotFound, addReadRoutes, type ReadParts } from './routes.ts';
import { listenOnSocket } from './unix-socket.ts';

/** Parts of {@link createApi}. */
export interface ApiParts extends ReadParts {
  control: Control;
  listen: { host: string; port: number };
  socketPath: string;
  clock: Clock;
  log: Log;
}

/** Both listeners of the daemon. */
export interface Api {
  /** Opens the control socket, then the TCP port; throws ListenError and leaves none open. Returns the port. */
  listen(): Promise<{ port: number }>;
  /** Lets answers under way end, ends log streams, and is done within {@link CLOSE_MS}. Never rejects. */
  close(): Promise<void>;
  /** The two servers, for tests that need no socket. */
  readonly tcp: FastifyInstance;
  readonly unix: FastifyInstance;
}

/** No route reads a body. */
const BODY_LIMIT_BYTES = 16 * 1024;

/** A client that does not finish its request in this time is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;

const KEEP_ALIVE_MS = 5_000;

/** Answers that take longer than this while closing are cut off. */
const CLOSE_MS = 1_500;

/** How often idle connections are looked for while closing: fastify alone waits for their keep-alive to end. */
const IDLE_SWEEP_MS = 50;

/** Makes the two servers; nothing listens before `listen()`. */
export function createApi(parts: ApiParts): Api {
  const { clock, log } = parts;
  const logStreams = createLogStreams(parts.control.logs, clock, log);
  const jobs = createJobs(clock, randomUUID);
  const tcp = createServer(log);
  const unix = createServer(log);

  tcp.addHook('onRequest', async (request, reply) => {
    if (isAllowedHost(request.headers.host, parts.listen.host)) return;
    await sendProblem(reply, {
      status: 421,
      detail:
        'The Host header does not name this machine; use http://localhost or the address it listens on.',
    });
  });
  addReadRoutes(tcp, parts);
  addNotFound(tcp, false, parts.socketPath);
  addReadRoutes(unix, parts);
  addControlRoutes(unix, { control: parts.control, jobs, logStreams });
  addNotFound(unix, true, parts.socketPath);

  const close = async () => {
    logStreams.close();
    await Promise.all([closeServer(tcp, clock), closeServer(unix, clock)]);
  };
  return {
    tcp,
    unix,
    close,
    async listen() {
      try {
        const { host, port } = parts.listen;
        const onPort = tcp.listen({ host, port }).catch((error: unknown) => {
          throw tcpListenError(host, port, error);
        });
        const onSocket = unix.ready().then(() => listenOnSocket(unix.server, parts.socketPath, log));
        // Both have ended before anything is closed.
        const outcomes = await Promise.allSettled([onSocket, onPort]);
        for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      } catch (error) {
        await close();
        throw error;
      }
      const address = tcp.server.address();
      return { port: typeof address === 'object' && address !== null ? address.port : parts.listen.port };
    },
  };
}

/** No route has a schema; fastify would load its compilers of JSON schemas nevertheless, at each start. */
const NO_SCHEMA_COMPILERS = {
  buildValidator: () => noSchemas(),
  buildSerializer: () => noSchemas(),
};

function noSchemas(): never {
  throw new Error('routes of this server have no schemas');
}

function createServer(log: Log): FastifyInstance {
  const app = fastify({
    schemaController: { compilersFactory: NO_SCHEMA_COMPILERS },
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(rawProblemAnswer(error));
      else socket.destroy();
    },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, problemOf(error));
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined));
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status === 500) log.error(`${request.method} ${request.url}: ${errorMessage(error)}`);
    return sendProblem(reply, problem);
  });
  return app;
}

async function closeServer(app: FastifyInstance, clock: Clock): Promise<void> {
  let closed = false;
  const closing = app.close().then(
    () => undefined,
    () => undefined,
  );
  void closing.then(() => {
    closed = true;
  });
  const startedAt = clock.monotonicMs();
  const done = new AbortController();
  void closing.then(() => done.abort());
  while (!closed && clock.monotonicMs() - startedAt < CLOSE_MS) {
    app.server.closeIdleConnections();
    await clock.sleep(IDLE_SWEEP_MS, done.signal).catch(() => undefined);
  }
  app.server.closeAllConnections();
  await closing;
}
