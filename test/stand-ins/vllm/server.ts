import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { bearerToken, pathOf, sendJson, sendText } from '../http.ts';
import type { EngineClient } from './engine-client.ts';
import { generate, tokenizeRoute } from './generate.ts';
import { Metrics } from './metrics.ts';

/** What the server serves and how it may misbehave; the control endpoint changes it while it runs. */
export interface ServerState {
  engine: EngineClient;
  version: string;
  served: string[];
  root: string;
  maxModelLen: number;
  apiKeys: string[];
  accessLog: boolean;
  tokenDelayMs: number;
  noChatTemplate: boolean;
  /** Every request is accepted and never answered. */
  wedged: boolean;
  /** Called when a request finds the engine dead. */
  onEngineDead(): void;
  /** Answers `POST /stand-in/…`; false: unknown. */
  control(words: readonly string[]): boolean;
}

/** Paths that need the key; the rest never does (serve/middleware/authenticate.py). */
const GUARDED = ['/v1', '/v2', '/inference', '/cohere'];

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** vLLM's HTTP face. It does not listen yet: a loading vLLM refuses connections. */
export function makeServer(state: ServerState): Server {
  const metrics = new Metrics();
  const created = Math.floor(Date.now() / 1000);
  const routes: Record<string, { methods: string[]; handle: Handler }> = {
    '/health': { methods: ['GET'], handle: async (_, response) => health(state, response) },
    '/ping': { methods: ['GET', 'POST'], handle: async (_, response) => health(state, response) },
    '/version': {
      methods: ['GET'],
      handle: async (_, response) => sendJson(response, 200, { version: state.version }),
    },
    '/load': { methods: ['GET'], handle: async (_, response) => sendJson(response, 200, { server_load: 0 }) },
    '/v1/models': {
      methods: ['GET'],
      handle: async (_, response) => sendJson(response, 200, modelList(state, created)),
    },
    '/metrics': {
      methods: ['GET'],
      handle: async (_, response) => {
        const running = state.engine.runningRequests;
        const text = metrics.render(state.served[0] ?? '', running, Math.min(1, running / 100));
        sendText(response, 200, text, 'text/plain; version=1.0.0');
      },
    },
    '/tokenize': {
      methods: ['POST'],
      handle: (request, response) => tokenizeRoute(state, request, response),
    },
    '/v1/chat/completions': {
      methods: ['POST'],
      handle: (request, response) => generate('chat', state, metrics, request, response),
    },
    '/v1/completions': {
      methods: ['POST'],
      handle: (request, response) => generate('completion', state, metrics, request, response),
    },
  };
  return createServer((request, response) => {
    const path = pathOf(request);
    if (path.startsWith('/stand-in/') && request.method === 'POST') {
      sendText(response, state.control(path.split('/').slice(2)) ? 200 : 404, '');
      return;
    }
    if (state.wedged) return;
    if (state.accessLog) response.on('finish', () => logAccess(request, response.statusCode));
    if (state.apiKeys.length > 0 && GUARDED.some((prefix) => path.startsWith(prefix))) {
      if (!state.apiKeys.includes(bearerToken(request) ?? ''))
        return sendJson(response, 401, { error: 'Unauthorized' });
    }
    const route = routes[path];
    if (route === undefined) return sendJson(response, 404, { detail: 'Not Found' });
    if (!route.methods.includes(request.method ?? ''))
      return sendJson(response, 405, { detail: 'Method Not Allowed' });
    route.handle(request, response).catch(() => response.destroy());
  });
}

function logAccess(request: IncomingMessage, status: number): void {
  const from = `${request.socket.remoteAddress?.replace('::ffff:', '')}:${request.socket.remotePort}`;
  const reasons: Record<number, string> = {
    200: 'OK',
    400: 'Bad Request',
    401: 'Unauthorized',
    404: 'Not Found',
    500: 'Internal Server Error',
    503: 'Service Unavailable',
  };
  process.stdout.write(
    `(APIServer pid=${process.pid}) INFO:     ${from} - "${request.method} ${request.url} HTTP/1.1" ${status} ${reasons[status] ?? ''}\n`,
  );
}

/** 200 with a living process, 503 with a dead one; both empty. A stopped engine is still 200. */
function health(state: ServerState, response: ServerResponse): void {
  sendText(response, state.engine.dead ? 503 : 200, '');
  if (state.engine.dead) state.onEngineDead();
}

function modelList(state: ServerState, created: number): Record<string, unknown> {
  const permission = {
    id: `modelperm-${randomUUID()}`,
    object: 'model_permission',
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: '*',
    group: null,
    is_blocking: false,
  };
  return {
    object: 'list',
    data: state.served.map((id) => ({
      id,
      object: 'model',
      created,
      owned_by: 'vllm',
      root: state.root,
      parent: null,
      max_model_len: state.maxModelLen,
      permission: [permission],
    })),
  };
}
