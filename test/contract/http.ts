/** An answer, with its body read. */
export interface Answer {
  status: number;
  type: string;
  text: string;
  json: unknown;
}

/** How long one ordinary request may take, in milliseconds: a real model answers on two slow cores. */
export const REQUEST_DEADLINE_MS = 30_000;

/** One request; rejects when there is no HTTP answer within the deadline. */
export async function ask(
  url: string,
  options: { token?: string; body?: unknown; deadlineMs?: number } = {},
): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(url, {
    method: options.body === undefined ? 'GET' : 'POST',
    headers,
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
    signal: AbortSignal.timeout(options.deadlineMs ?? REQUEST_DEADLINE_MS),
  });
  const text = await answer.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not every answer is JSON; the caller looks at `text`.
  }
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', text, json };
}

/** The JSON values of a stream of server-sent events, without the final `[DONE]`; throws on any other form. */
export function events(text: string): unknown[] {
  const parts = text.split('\n\n').filter((part) => part !== '');
  const payloads = parts.map((part) => {
    if (!part.startsWith('data: ')) throw new Error(`not an event: ${part}`);
    return part.slice('data: '.length);
  });
  if (payloads.at(-1) !== '[DONE]')
    throw new Error(`the stream does not end with [DONE] but ${payloads.at(-1)}`);
  return payloads.slice(0, -1).map((payload) => JSON.parse(payload) as unknown);
}

/** What a starting server was seen to do until it answered 200. */
export interface StartSeen {
  /** Requests that got no HTTP answer (refused, reset). */
  refused: number;
  /** Answers other than 200. */
  others: number[];
}

/** Asks a path every 100 ms until it answers 200; throws after `deadlineMs` or when `ended` says the server is gone. */
export async function waitForStart(
  url: string,
  deadlineMs: number,
  ended: () => Promise<boolean>,
): Promise<StartSeen> {
  const seen: StartSeen = { refused: 0, others: [] };
  const until = performance.now() + deadlineMs;
  while (performance.now() < until) {
    try {
      const answer = await ask(url, { deadlineMs: 2000 });
      if (answer.status === 200) return seen;
      seen.others.push(answer.status);
    } catch {
      seen.refused += 1;
    }
    if (await ended()) throw new Error(`${url} will never answer: the container has ended`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} did not answer within ${deadlineMs} ms`);
}
