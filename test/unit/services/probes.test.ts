import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import type { PageAccount } from '../../../src/services/probe-ui.ts';
import { createProbes } from '../../../src/services/probes.ts';
import type { ProbeTarget } from '../../../src/services/types.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const KEY = 'key-of-the-engine';
const NAME = 'org/name';
type Answer = { status?: number; body?: unknown; hang?: boolean; reset?: boolean };
/** By path; several answers are given one after the other, the last one again and again. */
type Answers = Record<string, Answer | Answer[]>;

const HEALTHY: Answers = {
  '/health': { status: 200 },
  '/v1/models': { body: { object: 'list', data: [{ id: NAME, object: 'model' }] } },
  '/v1/chat/completions': { body: { choices: [{ message: { content: 'x' } }] } },
};

const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) {
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
    const script = answers[path];
    const next = Array.isArray(script) ? (script.length > 1 ? script.shift() : script[0]) : script;
    const answer = next ?? { status: 404, body: { detail: 'Not Found' } };
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
    containerId: 'c1',
    addresses: ports.map((port) => ({ host: '127.0.0.1', port })),
  };
}

const probes = (
  deadlineMs = 2_000,
  served: string | null = NAME,
  page: { model: string; account: PageAccount | null } | null = null,
  cpuTimeMs: () => Promise<number | null> = () => Promise.resolve(null),
) =>
  createProbes({
    redactor: createRedactor([KEY]),
    clock: createVirtualClock(),
    pageModel: () => page?.model ?? null,
    pageAccount: () => page?.account ?? null,
    servedModelName: () => served,
    apiKey: () => KEY,
    cpuTimeMs,
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
    servers.at(-1)?.close();
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
    servers.at(-1)?.close();
    const open = await serve(HEALTHY);
    expect((await probes().api(target(closed, open), never)).ready).toBe(false);
  });

  it('names a container that has no address to be dialled at, and counts no miss', async () => {
    const found = { ready: false, alive: true, finding: { code: 'container_unreachable' } };
    expect(await probes().api(target(), never)).toMatchObject(found);
    expect(await probes().ui(target(), never)).toMatchObject(found);
  });

  it('ends at once when the daemon stops', async () => {
    const port = await serve({ ...HEALTHY, '/health': { hang: true } });
    const stopping = new AbortController();
    const result = probes(60_000).api(target(port), stopping.signal);
    stopping.abort();
    expect(await result).toMatchObject({ ready: false, alive: false });
  });
});

/** Metrics of an engine with requests running, in the words of a version. */
const metrics = (prompt: number, generation: number, cache: number, names: 'new' | 'old' = 'new') => ({
  body: [
    '# TYPE vllm:prompt_tokens_total counter',
    `vllm:prompt_tokens_total{engine="0",model_name="${NAME}"} ${prompt}`,
    `vllm:generation_tokens_total{engine="0",model_name="${NAME}"} ${generation}`,
    `vllm:${names === 'new' ? 'kv_cache' : 'gpu_cache'}_usage_perc{engine="0",model_name="${NAME}"} ${cache}`,
    'vllm:num_requests_running{engine="0"} 3.0',
    'vllm:num_requests_waiting{engine="0"} 1.0',
  ].join('\n'),
});
/** Of a probe with two looks in it, with room for a machine that has other work. */
const DEADLINE_MS = 1_000;
const UNANSWERED: Answers = { ...HEALTHY, '/v1/chat/completions': { hang: true } };

// At the same time: each waits for a deadline and has servers of its own.
describe.concurrent('a chat that is not answered in time', () => {
  it.each<[string, Answer[]]>([
    ['tokens are made for others', [metrics(100, 10, 0.5), metrics(100, 14, 0.5)]],
    ['prompts are taken', [metrics(100, 10, 0.5), metrics(612, 10, 0.5)]],
    ['a long prompt fills the KV cache', [metrics(100, 10, 0.5), metrics(100, 10, 0.53)]],
    ['it does so under its old name', [metrics(100, 10, 0.5, 'old'), metrics(100, 10, 0.53, 'old')]],
  ])('is no miss while %s', async (_title, answers) => {
    const port = await serve({ ...UNANSWERED, '/metrics': answers });
    const result = await probes(DEADLINE_MS).api(target(port), never);
    expect(result).toMatchObject({ ready: false, alive: true, busy: true, finding: null });
    expect(result.detail).toContain('3 requests running, 1 waiting');
  });

  it('is a miss while requests run and nothing moves: a wedged engine', async () => {
    const port = await serve({ ...UNANSWERED, '/metrics': metrics(100, 10, 0.5) });
    const result = await probes(DEADLINE_MS).api(target(port), never);
    expect(result).toMatchObject({ ready: false, alive: false });
    expect(result.detail).toContain('no counter of the engine moves');
  });

  it.each<[string, number, Answer]>([
    ['half a processor is used by a step of a long prompt', 0.5, metrics(100, 10, 0.5)],
    ['it is, and the metrics cannot be read', 0.5, { status: 404 }],
  ])('is no miss while %s', async (_title, share, answer) => {
    const port = await serve({ ...UNANSWERED, '/metrics': answer });
    const cpuTime = () => Promise.resolve(performance.now() * share);
    expect(await probes(DEADLINE_MS, NAME, null, cpuTime).api(target(port), never)).toMatchObject({
      ...{ ready: false, alive: true, busy: true, computing: true },
    });
  });

  it.each<[string, () => Promise<number | null>]>([
    ['an engine that stands still, while its server uses a tenth', async () => performance.now() / 10],
    ['an engine of which the processor time is not known', async () => null],
    ['an engine of which it cannot be asked', () => Promise.reject(new Error('the engine is away'))],
  ])('is a miss of %s', async (_title, cpuTime) => {
    const port = await serve({ ...UNANSWERED, '/metrics': metrics(100, 10, 0.5) });
    const result = await probes(DEADLINE_MS, NAME, null, cpuTime).api(target(port), never);
    expect(result).toMatchObject({ ready: false, alive: false });
  });

  it('is put down to the counters where both move: a busy engine may be so for hours', async () => {
    const port = await serve({ ...UNANSWERED, '/metrics': [metrics(1, 1, 0), metrics(1, 2, 0)] });
    const cpuTime = () => Promise.resolve(performance.now());
    const result = await probes(DEADLINE_MS, NAME, null, cpuTime).api(target(port), never);
    expect(result.busy).toBe(true);
    expect(result.computing).toBeUndefined();
  });

  it.each<[string, Answer]>([
    ['unanswered too', { hang: true }],
    ['not there', { status: 404 }],
    ['empty', { body: '' }],
  ])('is a miss where the metrics are %s', async (_title, answer) => {
    const port = await serve({ ...UNANSWERED, '/metrics': answer });
    expect(await probes(DEADLINE_MS).api(target(port), never)).toMatchObject({ alive: false });
  });

  it('finds the metrics behind a redirection to the path with a slash', async () => {
    const port = await serve({
      ...UNANSWERED,
      '/metrics': { status: 307 },
      '/metrics/': [metrics(1, 1, 0), metrics(1, 2, 0)],
    });
    expect(await probes(DEADLINE_MS).api(target(port), never)).toMatchObject({ busy: true });
  });

  it('costs an engine that answers no question about its metrics', async () => {
    const seen: { path: string; key: string | undefined; body: string }[] = [];
    const port = await serve(HEALTHY, seen);
    await probes().api(target(port), never);
    expect(seen.map(({ path }) => path)).not.toContain('/metrics');
  });
});

describe('what the page offers', () => {
  const account = { email: 'admin@localhost', password: 'words' };
  const page = (answers: Answers): Answers => ({
    '/ready': { body: { status: true } },
    '/api/v1/auths/signin': { body: { token: 'page-token' } },
    ...answers,
  });
  const offered = (id: string) => ({ body: { data: [{ id }] } });

  it('is asked with one sign-in, and is the backend when the model of the engine is there', async () => {
    const seen: { path: string; key: string | undefined; body: string }[] = [];
    const port = await serve(page({ '/api/models': offered(NAME) }), seen);
    const { ui } = probes(2_000, NAME, { model: NAME, account });
    expect(await ui(target(port), never)).toMatchObject({ ready: true, backendReady: true });
    expect(await ui(target(port), never)).toMatchObject({ ready: true, backendReady: true });
    const paths = seen.map(({ path }) => path);
    expect(paths.filter((path) => path === '/api/v1/auths/signin')).toHaveLength(1);
    expect(seen.filter(({ path }) => path === '/api/models').map(({ key }) => key)).toEqual([
      'Bearer page-token',
      'Bearer page-token',
    ]);
  });

  it('is another model: the page is ready, its backend is not ours', async () => {
    const port = await serve(page({ '/api/models': offered('other/model') }));
    const { ui } = probes(2_000, NAME, { model: NAME, account });
    expect(await ui(target(port), never)).toMatchObject({ ready: true, backendReady: false });
  });

  it('is not known where the administrator has another password, and is not asked again at once', async () => {
    const seen: { path: string; key: string | undefined; body: string }[] = [];
    const port = await serve(page({ '/api/v1/auths/signin': { status: 400 } }), seen);
    const { ui } = probes(2_000, NAME, { model: NAME, account });
    for (let round = 0; round < 3; round += 1) {
      expect(await ui(target(port), never)).toMatchObject({ ready: true, backendReady: null });
    }
    expect(seen.filter(({ path }) => path === '/api/v1/auths/signin')).toHaveLength(1);
  });

  it('is asked with a new sign-in when the page does not know the token any more', async () => {
    const port = await serve(page({ '/api/models': [{ status: 401 }, offered(NAME)] }));
    const { ui } = probes(2_000, NAME, { model: NAME, account });
    expect(await ui(target(port), never)).toMatchObject({ backendReady: null });
    expect(await ui(target(port), never)).toMatchObject({ backendReady: true });
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
