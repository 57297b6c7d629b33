import { expect, test } from 'vitest';
import { ask, events, waitForStart } from './http.ts';
import { API_KEY, type ContractPair, SHUTDOWN_TIMEOUT_SECONDS } from './pair.ts';

/** Process title of vLLM's engine, cut to what `ps` shows of it. */
const ENGINE_TITLE = /^VLLM::EngineCor/;
/** An engine that died unseen is noticed by a watchdog every 5 s; exit follows. */
const DEAD_EXIT_MS = 15_000;
/** One record of vLLM's log. */
const RECORD =
  /^\((?:APIServer|EngineCore)(?:_DP\d+)? pid=\d+\)\s?(?:INFO|WARNING|ERROR) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]:]+:\d+\] /m;
/** Lines of a healthy start, in their order. */
const PHASES = [
  /Resolved architecture: \w+/,
  /Using max model len \d+/,
  /Initializing a V1 LLM engine \(v[\d.+a-z]+\) with config/,
  /Starting to load model /,
  /Loading weights took [\d.]+ seconds/,
  /KV cache size: [\d,]+ tokens/,
  /init engine \(profile, create kv cache, warmup model\) took [\d.]+ s/,
  /Starting vLLM server on http:\/\/0\.0\.0\.0:8000/,
  /Application startup complete\./,
];
const METRICS = [
  'vllm:num_requests_running',
  'vllm:num_requests_waiting',
  'vllm:kv_cache_usage_perc',
  'vllm:prompt_tokens_total',
  'vllm:generation_tokens_total',
  'vllm:request_success_total',
];

/** In a streamed chat: what only the last part of a whole answer says. */
const FINISHED = /"finish_reason": ?"/;

/** Sum of a metric over its labels. */
function metricValue(text: string, name: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Host process id of the engine. */
async function enginePid(pair: ContractPair): Promise<number> {
  const engine = (await pair.api.processes()).find((process) => ENGINE_TITLE.test(process.command));
  if (engine === undefined) throw new Error('no process with the title of the engine');
  return engine.pid;
}

/**
 * Registers what is relied upon of vLLM, as vitest tests to be run in their order, against the api container of a pair
 * that has not been started yet. The same tests run against the stand-in and against the real one. Needs root.
 */
export function vllmContract(pair: () => ContractPair, startDeadlineMs: number): void {
  const chat = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
    model: pair().subject.model,
    messages: [{ role: 'user', content: 'Say something.' }],
    max_tokens: 4,
    ...more,
  });
  const post = async (path: string, body: unknown) =>
    ask(`${await pair().url('api')}${path}`, { token: API_KEY, body });
  const within = startDeadlineMs + 60_000;

  test('refuses connections while it loads, then answers /health with an empty 200', {
    timeout: within,
  }, async () => {
    await pair().api.start();
    const url = `${await pair().url('api')}/health`;
    const seen = await waitForStart(url, startDeadlineMs, async () => !(await pair().api.running()));
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.others).toEqual([]);
    expect((await ask(url)).text).toBe('');
  });

  test('prints the phases of its start in their order, in its own form of record', async () => {
    const log = await pair().api.log();
    expect(log).toMatch(RECORD);
    const places = PHASES.map((phase) => log.search(phase));
    expect(
      places.map((place, index) => (place < 0 ? PHASES[index] : null)).filter((missing) => missing !== null),
    ).toEqual([]);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('guards /v1 with the key, and nothing else', async () => {
    const url = await pair().url('api');
    const refused = await ask(`${url}/v1/models`);
    expect([refused.status, refused.json]).toEqual([401, { error: 'Unauthorized' }]);
    expect((await ask(`${url}/v1/models`, { token: 'another' })).status).toBe(401);
    for (const path of ['/health', '/ping', '/version', '/metrics'])
      expect((await ask(`${url}${path}`)).status).toBe(200);
  });

  test('lists the model under its served name, with its longest context', async () => {
    const answer = await ask(`${await pair().url('api')}/v1/models`, { token: API_KEY });
    expect(answer.json).toMatchObject({
      object: 'list',
      data: [
        { id: pair().subject.model, object: 'model', owned_by: 'vllm', max_model_len: expect.any(Number) },
      ],
    });
  });

  test('answers a chat', async () => {
    const answer = await post('/v1/chat/completions', chat({ ignore_eos: true }));
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      object: 'chat.completion',
      model: pair().subject.model,
      choices: [
        { index: 0, message: { role: 'assistant', content: expect.any(String) }, finish_reason: 'length' },
      ],
      usage: { completion_tokens: 4, prompt_tokens: expect.any(Number), total_tokens: expect.any(Number) },
    });
  });

  test('streams a chat as server-sent events with role, text, reason and usage, and ends with [DONE]', async () => {
    const body = chat({ stream: true, ignore_eos: true, stream_options: { include_usage: true } });
    const answer = await post('/v1/chat/completions', body);
    expect(answer.type).toContain('text/event-stream');
    const parts = events(answer.text) as {
      object: string;
      choices: { delta: Record<string, unknown>; finish_reason: string | null }[];
      usage?: unknown;
    }[];
    expect(new Set(parts.map((part) => part.object))).toEqual(new Set(['chat.completion.chunk']));
    expect(parts[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant', content: '' });
    expect(
      parts
        .flatMap((part) => part.choices.map((choice) => choice.finish_reason))
        .filter((reason) => reason !== null),
    ).toEqual(['length']);
    expect(parts.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
  });

  test('answers a completion and counts tokens', async () => {
    const completion = await post('/v1/completions', {
      model: pair().subject.model,
      prompt: 'One two',
      max_tokens: 2,
    });
    expect(completion.json).toMatchObject({
      object: 'text_completion',
      choices: [{ text: expect.any(String) }],
    });
    const tokens = await post('/tokenize', { model: pair().subject.model, prompt: 'One two' });
    expect(tokens.json).toMatchObject({
      count: expect.any(Number),
      max_model_len: expect.any(Number),
      tokens: expect.any(Array),
    });
  });

  test('answers 404 for a model that it does not serve', async () => {
    const answer = await post('/v1/chat/completions', chat({ model: 'no/such-model' }));
    expect(answer.status).toBe(404);
    expect(answer.json).toEqual({
      error: {
        message: `The model \`no/such-model\` does not exist. Valid aliases: ${pair().subject.model}.`,
        type: 'NotFoundError',
        param: 'model',
        code: 404,
      },
    });
  });

  test('answers 400 for a prompt that is too long, and says how long it may be', async () => {
    const content = 'many words '.repeat(5000);
    const answer = await post('/v1/chat/completions', chat({ messages: [{ role: 'user', content }] }));
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      error: {
        message: expect.stringMatching(/^This model's maximum context length is \d+ tokens\. However, /),
        type: 'BadRequestError',
        code: 400,
      },
    });
  });

  test('answers 400 for a body that is no JSON', async () => {
    const answer = await post('/v1/chat/completions', '{');
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: { message: expect.any(String), code: 400 } });
  });

  test('counts tokens and requests in /metrics', async () => {
    const url = `${await pair().url('api')}/metrics`;
    const before = (await ask(url)).text;
    await post('/v1/chat/completions', chat({ ignore_eos: true }));
    const after = (await ask(url)).text;
    for (const name of METRICS) expect(after).toContain(`${name}{`);
    expect(
      metricValue(after, 'vllm:generation_tokens_total') -
        metricValue(before, 'vllm:generation_tokens_total'),
    ).toBe(4);
    expect(metricValue(after, 'vllm:prompt_tokens_total')).toBeGreaterThan(
      metricValue(before, 'vllm:prompt_tokens_total'),
    );
  });

  test('still answers /health when its engine stands still, but no chat', { timeout: within }, async () => {
    const pid = await enginePid(pair());
    process.kill(pid, 'SIGSTOP');
    try {
      expect((await ask(`${await pair().url('api')}/health`)).status).toBe(200);
      const body = chat();
      const chatUrl = `${await pair().url('api')}/v1/chat/completions`;
      await expect(ask(chatUrl, { token: API_KEY, body, deadlineMs: 2000 })).rejects.toThrow();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect((await post('/v1/chat/completions', chat())).status).toBe(200);
  });

  test('ends with code 0 when its engine is killed', { timeout: within }, async () => {
    const url = await pair().url('api');
    process.kill(await enginePid(pair()), 'SIGKILL');
    const began = performance.now();
    const code = await pair().api.exitCode();
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(DEAD_EXIT_MS);
    await expect(ask(`${url}/health`)).rejects.toThrow();
    expect(await pair().api.log()).toContain('engine core exited unexpectedly');
  });

  test('ignores SIGTERM while it loads', { timeout: within }, async () => {
    await pair().api.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await pair().api.stop(1)).toBe(137);
  });

  test('ends with code 0 on SIGTERM, with its lines of shutdown', { timeout: within }, async () => {
    await pair().ready('api');
    expect(await pair().api.stop(10)).toBe(0);
    expect(await pair().api.log()).toContain('[shutdown] API server: shutdown triggered');
  });

  /** Starts a streamed chat and returns after its first event; `rest` resolves with the whole text, or null if cut off. */
  const startChat = async (url: string, tokens: number): Promise<{ rest: Promise<string | null> }> => {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(chat({ stream: true, ignore_eos: true, max_tokens: tokens })),
    });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (reader === undefined) throw new Error('the chat has no body');
    const first = (await reader.read()).value ?? '';
    const readRest = async (): Promise<string> => {
      let text = first;
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      return text;
    };
    return { rest: readRest().catch(() => null) };
  };

  test('finishes a chat that ends within --shutdown-timeout before it ends on SIGTERM', {
    timeout: within,
  }, async () => {
    const { rest } = await startChat(await pair().ready('api'), 50);
    expect(await pair().api.stop(SHUTDOWN_TIMEOUT_SECONDS + 10)).toBe(0);
    const text = await rest;
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(text).toMatch(FINISHED);
  });

  test('cuts off a chat that outlasts --shutdown-timeout on SIGTERM', { timeout: within }, async () => {
    const url = await pair().ready('api');
    // Looking for it takes a second or more, in which a chat could come to its end.
    const engine = await enginePid(pair());
    const { rest } = await startChat(url, 1500);
    // A chat that surely lasts longer, on however fast a machine.
    process.kill(engine, 'SIGSTOP');
    // The real one ends its engine some time after the timeout, or waits for the chat until it is killed: both were seen.
    expect([0, 137]).toContain(await pair().api.stop(SHUTDOWN_TIMEOUT_SECONDS + 3));
    // The first may still send an error and [DONE] to the chat; only one that is whole has a reason for its end.
    expect((await rest) ?? '').not.toMatch(FINISHED);
  });

  test('ends with code 2 on an option it does not know', { timeout: within }, async () => {
    const { code, log } = await pair().runOnce([pair().subject.model, '--no-such-option', '1']);
    expect(code).toBe(2);
    expect(log).toContain('error: unrecognized arguments: --no-such-option 1');
  });

  test('ends with code 1 when the model is not in the cache', { timeout: within }, async () => {
    const { code, log } = await pair().runOnce(
      ['no/such-model', ...pair().subject.apiArguments],
      pair().subject.apiEnvironment,
    );
    expect(code).toBe(1);
    expect(log).toMatch(/LocalEntryNotFoundError|Cannot find an appropriate cached snapshot folder/);
  });
}
