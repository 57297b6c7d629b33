import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Answers one request; without an answer the request hangs. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An engine's API on a real Unix socket that does what a test tells it. */
export interface ScriptedDocker {
  readonly socketPath: string;
  /** Every request in order: `GET /v1.41/containers/json?all=true`. */
  readonly requests: string[];
  /** Bodies of the requests, beside `requests`. */
  readonly bodies: string[];
  /** Headers of the requests, beside `requests`. */
  readonly headers: IncomingMessage['headers'][];
  /**
   * Sets the answers to a request, as `GET /containers/json` without version and query. They are used in order, the last
   * one for ever.
   */
  on(what: string, ...answers: Answer[]): void;
  /** Ends all connections and removes the socket. */
  stop(): Promise<void>;
  /** Listens again on the same path. */
  start(): Promise<void>;
  /** Connections that are open now. */
  connections(): number;
}

/** 200 with JSON. */
export const json =
  (body: unknown, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** The engine's form of an error. */
export const refusal = (status: number, message: string): Answer => json({ message }, status);

/** Never answers. */
export const silence: Answer = () => undefined;

/** Cuts the connection before the head of the answer. */
export const hangUp: Answer = (request) => request.socket.destroy();

/** A stream: writes each part on its own, then ends, breaks off, or stays silent with the stream open. */
export const stream =
  (parts: readonly (string | Uint8Array)[], end: 'end' | 'break' | 'hang' = 'end'): Answer =>
  async (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const part of parts) {
      response.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (end === 'end') response.end();
    if (end === 'break') request.socket.destroy();
  };

/** Starts a scripted engine that answers `GET /version` like 20.10 and everything else with 404. */
export async function scriptedDocker(): Promise<ScriptedDocker & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'scripted-docker-'));
  const socketPath = join(directory, 'docker.sock');
  const answers = new Map<string, Answer[]>();
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const bodies: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  let server: Server | null = null;

  const scripted: ScriptedDocker = {
    socketPath,
    requests,
    bodies,
    headers,
    connections: () => sockets.size,
    on: (what, ...script) => {
      answers.set(what, script);
    },
    async start() {
      const next = createServer(async (request, response) => {
        const at = requests.push(`${request.method} ${request.url}`) - 1;
        headers[at] = request.headers;
        bodies[at] = '';
        request.on('error', () => undefined);
        response.on('error', () => undefined);
        const path = (request.url ?? '').replace(/\?.*/, '').replace(/^\/v\d+\.\d+/, '');
        const script = answers.get(`${request.method} ${path}`);
        const answer = script === undefined || script.length < 2 ? script?.[0] : script.shift();
        for await (const chunk of request) bodies[at] += chunk;
        (answer ?? refusal(404, `page not found: ${path}`))(request, response);
      });
      next.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => sockets.delete(socket));
      });
      await new Promise<void>((resolve) => next.listen(socketPath, resolve));
      server = next;
    },
    async stop() {
      const running = server;
      server = null;
      if (running === null) return;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => running.close(resolve));
    },
  };
  scripted.on('GET /version', json({ Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' }));
  await scripted.start();
  return Object.assign(scripted, {
    [Symbol.asyncDispose]: async () => {
      await scripted.stop();
      await rm(directory, { recursive: true, force: true });
    },
  });
}
