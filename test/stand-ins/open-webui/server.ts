import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { bearerToken, parseObject, pathOf, readBody, sendJson, sendText } from '../http.ts';
import type { Database, User } from './database.ts';
import { makeToken, readToken } from './token.ts';

/** How long the backend may take to list its models, in milliseconds (AIOHTTP_CLIENT_TIMEOUT_MODEL_LIST). */
const MODEL_LIST_TIMEOUT_MS = 10_000;

/** What the page is made of. */
export interface UiState {
  database: Database;
  version: string;
  secret: string;
  /** Address of the OpenAI API, e.g. `http://api:8000/v1`. */
  backendUrl: string;
  backendKey: string;
  signUp: boolean;
  /** Every request is accepted and never answered. */
  wedged: boolean;
}

type Handler = (user: User, body: Record<string, unknown>, response: ServerResponse) => Promise<void>;

const WRONG_PASSWORD =
  'The email or password provided is incorrect. Please check for typos and try logging in again.';
const ACCESS_PROHIBITED =
  'You do not have permission to access this resource. Please contact your administrator for assistance.';
const PAGE =
  '<!doctype html><html><head><title>Open WebUI</title></head><body>stand-in for Open WebUI</body></html>';

/** Open WebUI's HTTP face, as far as supervisors and the tests use it. Unknown paths answer the page, with 200. */
export function makeServer(state: UiState): Server {
  const open: Record<string, (response: ServerResponse) => void> = {
    'GET /health': (response) => sendJson(response, 200, { status: true }),
    'GET /health/db': (response) => database(state, response, { status: true }, 500),
    'GET /ready': (response) => database(state, response, { status: true }, 503),
    'GET /api/version': (response) => sendJson(response, 200, { version: state.version, deployment_id: '' }),
    'GET /api/config': (response) => sendJson(response, 200, config(state)),
  };
  const closed: Record<string, Handler> = {
    'GET /api/models': async (_, __, response) =>
      sendJson(response, 200, { data: await backendModels(state) }),
    'POST /api/chat/completions': (_, body, response) => chat(state, body, response),
    'POST /api/v1/chats/new': async (user, body, response) => {
      const form = body['chat'];
      if (typeof form !== 'object' || form === null)
        return sendJson(response, 422, { detail: 'Field required' });
      sendJson(response, 200, state.database.addChat(user.id, form as Record<string, unknown>));
    },
    'GET /api/v1/chats/': async (user, _, response) => sendJson(response, 200, list(state, user)),
    'GET /api/v1/chats/list': async (user, _, response) => sendJson(response, 200, list(state, user)),
  };
  return createServer((request, response) => {
    const path = pathOf(request);
    if (request.method === 'POST' && path.startsWith('/stand-in/'))
      return control(state, path.split('/').slice(2), response);
    if (state.wedged) return;
    const key = `${request.method} ${path}`;
    const answer = open[key];
    if (answer !== undefined) return answer(response);
    const handled =
      key === 'POST /api/v1/auths/signin'
        ? signIn(state, request, response)
        : key === 'POST /api/v1/auths/signup'
          ? signUp(state, request, response)
          : authenticated(state, closed[key] ?? oneChat(state, request), request, response);
    // A full disk or a broken database refuses the request, not the server.
    handled.catch((error: unknown) =>
      sendJson(response, 400, {
        detail: `[ERROR: ${error instanceof Error ? error.message : String(error)}]`,
      }),
    );
  });
}

function database(state: UiState, response: ServerResponse, body: unknown, failed: number): void {
  try {
    state.database.ping();
    sendJson(response, 200, body);
  } catch {
    sendJson(response, failed, { detail: 'Database not ready' });
  }
}

function config(state: UiState): Record<string, unknown> {
  return {
    ...(state.database.hasUsers ? {} : { onboarding: true }),
    status: true,
    name: 'Open WebUI',
    version: state.version,
    features: { auth: true, enable_signup: state.signUp && !state.database.hasUsers },
  };
}

/** `GET /api/v1/chats/<id>`; null for any other path. */
function oneChat(state: UiState, request: IncomingMessage): Handler | null {
  const id = /^\/api\/v1\/chats\/([0-9a-f-]{36})$/.exec(pathOf(request))?.[1];
  if (id === undefined || request.method !== 'GET') return null;
  return async (user, _, response) => {
    const found = state.database.chatById(user.id, id);
    if (found === null) sendJson(response, 401, { detail: "We could not find what you're looking for :/" });
    else sendJson(response, 200, found);
  };
}

async function authenticated(
  state: UiState,
  handler: Handler | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (handler === null) {
    if (request.method === 'GET') return sendText(response, 200, PAGE, 'text/html');
    return sendJson(response, 405, { detail: 'Method Not Allowed' });
  }
  const token = bearerToken(request);
  if (token === null) return sendJson(response, 401, { detail: 'Not authenticated' });
  const id = readToken(token, state.secret);
  const user = id === null ? null : state.database.userById(id);
  if (user === null) {
    return sendJson(response, 401, {
      detail: 'Your session has expired or the token is invalid. Please sign in again.',
    });
  }
  await handler(user, parseObject(await readBody(request)) ?? {}, response);
}

/** The first to come becomes administrator, whatever ENABLE_SIGNUP says; nobody after that, as sign-up is then off. */
async function signUp(state: UiState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = parseObject(await readBody(request)) ?? {};
  if (state.database.hasUsers) return sendJson(response, 403, { detail: ACCESS_PROHIBITED });
  const [email, password] = [String(body['email'] ?? ''), String(body['password'] ?? '')];
  const user = state.database.addUser(email, password, String(body['name'] ?? ''));
  sendJson(response, 200, { token: makeToken(user.id, state.secret), token_type: 'Bearer', ...user });
}

async function signIn(state: UiState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = parseObject(await readBody(request)) ?? {};
  const user = state.database.authenticate(String(body['email'] ?? ''), String(body['password'] ?? ''));
  if (user === null) return sendJson(response, 400, { detail: WRONG_PASSWORD });
  const token = makeToken(user.id, state.secret);
  sendJson(response, 200, {
    token,
    token_type: 'Bearer',
    expires_at: null,
    ...user,
    profile_image_url: '/user.png',
    permissions: {},
  });
}

function list(state: UiState, user: User): unknown[] {
  return state.database.chats(user.id).map(({ id, title, created_at, updated_at, archived }) => ({
    id,
    title,
    created_at,
    updated_at,
    last_read_at: updated_at,
    snippet: null,
    active: false,
    archived,
  }));
}

const headers = (state: UiState): Record<string, string> => ({
  'content-type': 'application/json',
  ...(state.backendKey === '' ? {} : { authorization: `Bearer ${state.backendKey}` }),
});

/** The backend's models in the page's form; empty when it does not answer. */
async function backendModels(state: UiState): Promise<Record<string, unknown>[]> {
  try {
    const answer = await fetch(`${state.backendUrl}/models`, {
      headers: headers(state),
      signal: AbortSignal.timeout(MODEL_LIST_TIMEOUT_MS),
    });
    if (!answer.ok) return [];
    const { data } = (await answer.json()) as { data: Record<string, unknown>[] };
    return data.map((model) => ({
      ...model,
      name: model['id'],
      owned_by: 'openai',
      openai: model,
      connection_type: 'external',
      urlIdx: 0,
      actions: [],
      filters: [],
      tags: [],
    }));
  } catch {
    process.stdout.write(
      'ERROR    | open_webui.routers.openai:send_get_request:92 - Connection error: Cannot connect to host\n',
    );
    return [];
  }
}

/** Hands a chat to the backend and its answer, streamed or not, back. */
async function chat(state: UiState, body: Record<string, unknown>, response: ServerResponse): Promise<void> {
  const models = await backendModels(state);
  if (!models.some((model) => model['id'] === body['model']))
    return sendJson(response, 400, { detail: 'Model not found' });
  const { chat_id: _, id: __, session_id: ___, ...asked } = body;
  const answer = await fetch(`${state.backendUrl}/chat/completions`, {
    method: 'POST',
    headers: headers(state),
    body: JSON.stringify(asked),
  });
  response.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'application/json',
  });
  for await (const part of answer.body ?? []) response.write(part);
  response.end();
}

/** `POST /stand-in/{exit/CODE,wedge}`: faults on demand. */
function control(state: UiState, [word, argument]: readonly string[], response: ServerResponse): void {
  if (word === 'exit') setImmediate(() => process.exit(Number(argument)));
  else if (word === 'wedge') state.wedged = true;
  sendText(response, word === 'exit' || word === 'wedge' ? 200 : 404, '');
}
