import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { createProbes } from '../../../src/services/probes.ts';
import type { ProbeTarget } from '../../../src/services/types.ts';

const KEY = 'key-of-the-engine';
const NAME = 'org/name';
type Answer = { status?: number; body?: unknown; hang?: boolean; reset?: boolean };
type Answers = Record<string, Answer>;

const HEALTHY: Answers = {
  '/health': { status: 200 },
  '/v1/models': { body: { object: 'list', data: [{ id: NAME, object: 'model' }] } },
  '/v1/chat/completions': { body: { choices: [{ message: { content: 'x' } }] } },
};

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(answers: Answers, seen: { path: string; key: string | undefined; body: string }[] = []) {
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const path = request.url ?? '';
    seen.push({ path, key: request.headers.authorization, body });
    const answer = answers[path] ?? { status: 404, body: { detail: 'Not Found' } };
    if (answer.hang) return;
    if (answer.reset) {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    response.end(
      answer.body === undefined
        ? ''
        : typeof answer.body === 'string'
          ? answer.body
          : JSON.stringify(answer.body),
    );
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function target(...ports: number[]): ProbeTarget {
  return {
    service: { name: 'api' } as ServiceSpec,
    addresses: ports.map((port) => ({ host: '127.0.0.1', port })),
  };
}

const probes = (deadlineMs = 2_000, served: string | null = NAME) =>
  createProbes({
    redactor: createRedactor([KEY]),
    servedModelName: () => served,
    apiKey: () => KEY,
    deadlineMs,
  });
const never = new AbortController().signal;

describe('probe of the api', () => {
  it('is ready after health, the model list and one chat token, all with the key', async () => {
    const seen: { path: string; key: string | undefined; body: string }[] = [];
    const port = await serve(HEALTHY, seen);
    expect(await probes().api(target(port), never)).toEqual({
      ready: true,
      alive: true,
      detail: '',
      finding: null,
    });
    expect(seen.map(({ path }) => path)).toEqual(['/health', '/v1/models', '/v1/chat/completions']);
    expect(seen.every(({ key }) => key === `Bearer ${KEY}`)).toBe(true);
    expect(JSON.parse(seen[2]?.body ?? '')).toMatchObject({ model: NAME, max_tokens: 1 });
  });

  it.each<[string, Answers]>([
    ['health is 503 after the engine died', { ...HEALTHY, '/health': { status: 503 } }],
    ['the connection is reset', { ...HEALTHY, '/health': { reset: true } }],
    ['the chat never answers although health is 200', { ...HEALTHY, '/v1/chat/completions': { hang: true } }],
    ['the chat is reset', { ...HEALTHY, '/v1/chat/completions': { reset: true } }],
    [
      'the engine is dead behind a living server',
      {
        ...HEALTHY,
        '/v1/chat/completions': {
          status: 500,
          body: { error: { message: 'EngineCore encountered an issue.' } },
        },
      },
    ],
  ])('is a miss when %s', async (_title, answers) => {
    const port = await serve(answers);
    expect(await probes(300).api(target(port), never)).toMatchObject({
      ready: false,
      alive: false,
      finding: null,
    });
  });

  it('is a miss when nothing listens', async () => {
    const port = await serve(HEALTHY);
    servers[0]?.close();
    expect(await probes().api(target(port), never)).toMatchObject({ ready: false, alive: false });
  });

  it('names a missing chat template, which only the answer to a chat shows', async () => {
    const message = 'As of transformers v4.44, default chat template is no longer allowed';
    const port = await serve({
      ...HEALTHY,
      '/v1/chat/completions': { status: 400, body: { error: { message } } },
    });
    const result = await probes().api(target(port), never);
    expect(result).toMatchObject({ ready: false, alive: true, finding: { code: 'chat_template_missing' } });
  });

  it('names a refused key without repeating it', async () => {
    const port = await serve({
      ...HEALTHY,
      '/v1/models': { status: 401, body: { error: `Unauthorized ${KEY}` } },
    });
    const result = await probes().api(target(port), never);
    expect(result.finding?.code).toBe('api_key_refused');
    expect(result.detail).not.toContain(KEY);
  });

  it('is not ready, but alive, when another model is served', async () => {
    const port = await serve({ ...HEALTHY, '/v1/models': { body: { data: [{ id: 'other/model' }] } } });
    const result = await probes().api(target(port), never);
    expect(result).toMatchObject({ ready: false, alive: true });
    expect(result.detail).toContain('other/model');
  });

  it('asks the first listed model where no name is known', async () => {
    const seen: { path: string; key: string | undefined; body: string }[] = [];
    const port = await serve(HEALTHY, seen);
    expect((await probes(2_000, null).api(target(port), never)).ready).toBe(true);
    expect(JSON.parse(seen[2]?.body ?? '')).toMatchObject({ model: NAME });
  });

  it('does not go on to the published port when the container itself refuses', async () => {
    const closed = await serve(HEALTHY);
    servers[0]?.close();
    const open = await serve(HEALTHY);
    expect((await probes().api(target(closed, open), never)).ready).toBe(false);
  });

  it('ends at once when the daemon stops', async () => {
    const port = await serve({ ...HEALTHY, '/health': { hang: true } });
    const stopping = new AbortController();
    const result = probes(60_000).api(target(port), stopping.signal);
    stopping.abort();
    expect(await result).toMatchObject({ ready: false, alive: false });
  });
});

describe('probe of the ui', () => {
  it('is ready when /ready says so as JSON', async () => {
    const port = await serve({ '/ready': { body: { status: true } } });
    expect(await probes().ui(target(port), never)).toMatchObject({ ready: true, alive: true });
  });

  it('asks /health where /ready is the page that answers 200 to everything', async () => {
    const page = { body: '<!doctype html><html></html>' };
    const old = await serve({ '/ready': page, '/health': { body: { status: true } } });
    expect((await probes().ui(target(old), never)).ready).toBe(true);
    const broken = await serve({ '/ready': page, '/health': page });
    expect(await probes().ui(target(broken), never)).toMatchObject({ ready: false, alive: false });
  });

  it('is alive but not ready while it migrates its database', async () => {
    const port = await serve({ '/ready': { status: 503, body: { detail: 'Database not ready' } } });
    const result = await probes().ui(target(port), never);
    expect(result).toMatchObject({ ready: false, alive: true });
    expect(result.detail).toContain('Database not ready');
  });
});
