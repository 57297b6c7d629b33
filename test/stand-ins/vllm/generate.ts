import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseObject, readBody, sendJson } from '../http.ts';
import {
  chatResponse,
  chunk,
  completionResponse,
  errorBody,
  type Generation,
  plan,
  promptOf,
  tokenId,
  tokenize,
  usage,
} from './answer.ts';
import { EngineDeadError } from './engine-client.ts';
import type { Metrics } from './metrics.ts';
import type { ServerState } from './server.ts';

const NO_TEMPLATE =
  'As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.';

/** Reads a JSON body and checks the model's name; answers and returns null where either is wrong. */
async function readRequest(
  state: ServerState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Record<string, unknown> | null> {
  const body = parseObject(await readBody(request));
  if (body === null) {
    sendJson(
      response,
      400,
      errorBody(400, "[{'type': 'json_invalid', 'loc': ('body', 0), 'msg': 'JSON decode error'}]"),
    );
    return null;
  }
  const model = body['model'];
  if (typeof model === 'string' && model !== '' && !state.served.includes(model)) {
    sendJson(
      response,
      404,
      errorBody(
        404,
        `The model \`${model}\` does not exist. Valid aliases: ${state.served.join(', ')}.`,
        'model',
      ),
    );
    return null;
  }
  return body;
}

/** `POST /tokenize`. */
export async function tokenizeRoute(
  state: ServerState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readRequest(state, request, response);
  if (body === null) return;
  const tokens = tokenize(typeof body['prompt'] === 'string' ? body['prompt'] : promptOf(body['messages']));
  sendJson(response, 200, {
    count: tokens.length,
    max_model_len: state.maxModelLen,
    tokens: tokens.map(tokenId),
    token_strs: null,
  });
}

/** `POST /v1/chat/completions` and `POST /v1/completions`, streamed or whole. */
export async function generate(
  kind: 'chat' | 'completion',
  state: ServerState,
  metrics: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readRequest(state, request, response);
  if (body === null) return;
  if (kind === 'chat' && !Array.isArray(body['messages'])) {
    return sendJson(
      response,
      400,
      errorBody(
        400,
        "1 validation error: {'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}",
      ),
    );
  }
  if (kind === 'chat' && state.noChatTemplate) return sendJson(response, 400, errorBody(400, NO_TEMPLATE));
  const made = plan(
    kind === 'chat' ? promptOf(body['messages']) : String(body['prompt'] ?? ''),
    body,
    state.maxModelLen,
  );
  if ('error' in made) return sendJson(response, made.error.code, made);
  const answer = {
    kind,
    id: `${kind === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomUUID().replaceAll('-', '')}`,
    model: String(body['model'] ?? state.served[0] ?? ''),
    created: Math.floor(Date.now() / 1000),
    made,
    stream: body['stream'] === true,
    usage: (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true,
  };
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    await runAnswer(state, metrics, answer, response, gone.signal);
    metrics.finished[gone.signal.aborted && !response.writableFinished ? 'abort' : made.finishReason] += 1;
  } catch (error) {
    if (!(error instanceof EngineDeadError)) throw error;
    metrics.finished.error += 1;
    const failed = errorBody(500, error.message);
    if (response.headersSent) response.end(`data: ${JSON.stringify(failed)}\n\ndata: [DONE]\n\n`);
    else sendJson(response, 500, failed);
    state.onEngineDead();
  }
}

interface Answer {
  kind: 'chat' | 'completion';
  id: string;
  model: string;
  created: number;
  made: Generation;
  stream: boolean;
  usage: boolean;
}

async function runAnswer(
  state: ServerState,
  metrics: Metrics,
  answer: Answer,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { kind, id, model, created, made } = answer;
  const event = (data: unknown): void => {
    response.write(`data: ${JSON.stringify(data)}\n\n`);
  };
  const open = (): void => {
    if (!answer.stream || response.headersSent) return;
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (kind === 'chat')
      event({
        ...chunk(kind, id, model, created, '', null),
        choices: [
          { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
        ],
      });
  };
  await state.engine.generate(
    made.tokens.length,
    state.tokenDelayMs,
    (index) => {
      if (index === 0) metrics.promptTokens += made.promptTokens;
      metrics.generationTokens += 1;
      open();
      if (answer.stream) event(chunk(kind, id, model, created, made.tokens[index] ?? '', null));
    },
    signal,
  );
  if (signal.aborted) return;
  if (!answer.stream) {
    const whole = kind === 'chat' ? chatResponse : completionResponse;
    return sendJson(response, 200, whole(id, model, created, made));
  }
  event(chunk(kind, id, model, created, null, made.finishReason));
  if (answer.usage)
    event({
      ...chunk(kind, id, model, created, null, null),
      choices: [],
      usage: usage(made.promptTokens, made.tokens.length),
    });
  response.end('data: [DONE]\n\n');
}
