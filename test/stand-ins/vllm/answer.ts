/** Body of an error, in vLLM's form. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: number };
}

export function errorBody(code: number, message: string, param: string | null = null): ErrorBody {
  const types: Record<number, string> = {
    400: 'BadRequestError',
    404: 'NotFoundError',
    500: 'InternalServerError',
  };
  return { error: { message, type: types[code] ?? 'BadRequestError', param, code } };
}

/** Characters of one made-up token. */
const CHARACTERS_PER_TOKEN = 4;

/** Cuts text into made-up tokens of at most four characters, a space belongs to the word after it. */
export function tokenize(text: string): string[] {
  return text.match(new RegExp(`\\s?\\S{1,${CHARACTERS_PER_TOKEN}}|\\s+`, 'gu')) ?? [];
}

/** Number a token has: stable, without meaning. */
export function tokenId(token: string): number {
  let hash = 7;
  for (const character of token) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 2048;
  return hash;
}

/** A request that was understood. */
export interface Generation {
  /** Whole prompt after a made-up template. */
  promptTokens: number;
  /** Tokens of the answer, in order. */
  tokens: string[];
  finishReason: 'stop' | 'length';
}

/** Text of a chat's messages; parts of type `text` are joined. */
export function promptOf(messages: unknown): string {
  if (!Array.isArray(messages)) return '';
  return messages
    .map((message: { role?: unknown; content?: unknown }) => {
      const content = Array.isArray(message.content)
        ? message.content.map((part: { text?: unknown }) => String(part.text ?? '')).join('')
        : String(message.content ?? '');
      return `<|${String(message.role)}|>${content}`;
    })
    .join('');
}

/** Last thing a user said, for the answer. */
function lastLine(prompt: string): string {
  return (prompt.split('|>').at(-1) ?? '').trim().slice(0, 80);
}

/**
 * Works out the answer to a prompt, or vLLM's refusal of a prompt that is too long.
 * `ignore_eos` goes on to `max_tokens`, as with the real one.
 */
export function plan(
  prompt: string,
  body: Record<string, unknown>,
  maxModelLen: number,
): Generation | ErrorBody {
  const promptTokens = Math.max(tokenize(prompt).length, 1);
  const asked = body['max_completion_tokens'] ?? body['max_tokens'];
  if (promptTokens >= maxModelLen) {
    return errorBody(
      400,
      `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains ${promptTokens} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.`,
      'input_tokens',
    );
  }
  if (typeof asked === 'number' && asked < 1) {
    return errorBody(400, `max_tokens must be at least 1, got ${asked}.`, 'max_tokens');
  }
  if (typeof asked === 'number' && promptTokens + asked > maxModelLen) {
    return errorBody(
      400,
      `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${asked} output tokens and your prompt contains at least ${promptTokens} input tokens, for a total of at least ${promptTokens + asked} tokens. Please reduce the length of the input prompt or the number of requested output tokens.`,
      'input_tokens',
    );
  }
  const limit = typeof asked === 'number' ? asked : maxModelLen - promptTokens;
  const sentence = tokenize(
    `This is a stand-in for vLLM; it understands nothing. You said: ${lastLine(prompt)}`,
  );
  if (body['ignore_eos'] === true) {
    return {
      promptTokens,
      tokens: Array.from({ length: limit }, (_, index) => sentence[index % sentence.length] ?? ' '),
      finishReason: 'length',
    };
  }
  return {
    promptTokens,
    tokens: sentence.slice(0, limit),
    finishReason: sentence.length > limit ? 'length' : 'stop',
  };
}

/** Counts as the API gives them. */
export function usage(promptTokens: number, completionTokens: number): Record<string, unknown> {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
    prompt_tokens_details: null,
  };
}

/** Answer of a chat that is not streamed. */
export function chatResponse(
  id: string,
  model: string,
  created: number,
  made: Generation,
): Record<string, unknown> {
  const message = {
    role: 'assistant',
    content: made.tokens.join(''),
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    reasoning: null,
  };
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message,
        logprobs: null,
        finish_reason: made.finishReason,
        stop_reason: null,
        token_ids: null,
      },
    ],
    service_tier: null,
    system_fingerprint: null,
    usage: usage(made.promptTokens, made.tokens.length),
    prompt_logprobs: null,
    prompt_token_ids: null,
    kv_transfer_params: null,
  };
}

/** Answer of `/v1/completions` that is not streamed. */
export function completionResponse(
  id: string,
  model: string,
  created: number,
  made: Generation,
): Record<string, unknown> {
  return {
    id,
    object: 'text_completion',
    created,
    model,
    choices: [
      {
        index: 0,
        text: made.tokens.join(''),
        logprobs: null,
        finish_reason: made.finishReason,
        stop_reason: null,
      },
    ],
    service_tier: null,
    system_fingerprint: null,
    usage: usage(made.promptTokens, made.tokens.length),
  };
}

/** One server-sent event of a streamed answer. `delta` null: the last one, with the reason. */
export function chunk(
  kind: 'chat' | 'completion',
  id: string,
  model: string,
  created: number,
  text: string | null,
  finishReason: string | null,
): Record<string, unknown> {
  const choice =
    kind === 'chat'
      ? { index: 0, delta: { content: text ?? '' }, logprobs: null, finish_reason: finishReason }
      : { index: 0, text: text ?? '', logprobs: null, finish_reason: finishReason, stop_reason: null };
  return {
    id,
    object: kind === 'chat' ? 'chat.completion.chunk' : 'text_completion',
    created,
    model,
    choices: [choice],
  };
}
