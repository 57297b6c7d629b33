import type { Dispatcher } from 'undici';
import { errorCode, errorMessage } from '../lib/errors.ts';

/** An answer longer than this is cut: a probe reads a short JSON text, never a page. */
const MAXIMUM_BODY_BYTES = 256 * 1024;

/** Errors that say the address cannot be dialled from here, so that the next candidate is worth a try. */
const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** One question of a probe. */
export interface ProbeQuestion {
  path: string;
  /** JSON body: makes it a POST. */
  body?: unknown;
  /** Sent as a bearer token; never part of an error text. */
  apiKey?: string | undefined;
}

/** What came back: an HTTP answer, or why none came. */
export type ProbeAnswer =
  | { kind: 'answer'; status: number; text: string; json: unknown }
  /** `undialable`: no address was there, or none could be reached from here; the server was never asked. */
  | { kind: 'silence'; detail: string; undialable?: true };

/**
 * Asks one question at the first address that can be dialled, in order. Refused, reset, empty and late are one thing:
 * silence (while vLLM loads, docker-proxy turns a refused connection into a reset or an empty reply). Never throws.
 */
export async function ask(
  dispatcher: Dispatcher,
  addresses: readonly { host: string; port: number }[],
  question: ProbeQuestion,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const { request } = await import('undici');
  let detail = 'the container has no address to ask at';
  for (const { host, port } of addresses) {
    const name = host.includes(':') ? `[${host}]` : host;
    try {
      const headers: Record<string, string> = { accept: 'application/json' };
      if (question.apiKey !== undefined) headers['authorization'] = `Bearer ${question.apiKey}`;
      if (question.body !== undefined) headers['content-type'] = 'application/json';
      const answer = await request(`http://${name}:${port}${question.path}`, {
        dispatcher,
        signal,
        method: question.body === undefined ? 'GET' : 'POST',
        headers,
        body: question.body === undefined ? null : JSON.stringify(question.body),
      });
      const text = await readLimited(answer.body);
      return { kind: 'answer', status: answer.statusCode, text, json: parseJson(text) };
    } catch (error) {
      if (signal.aborted) return { kind: 'silence', detail: `no answer to ${question.path} in time` };
      detail = `${question.path} at port ${port}: ${errorMessage(error)}`;
      if (!UNREACHABLE_CODES.has(errorCode(error) ?? '')) return { kind: 'silence', detail };
    }
  }
  return { kind: 'silence', detail, undialable: true };
}

async function readLimited(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MAXIMUM_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAXIMUM_BODY_BYTES).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The property `key` of a JSON object, or undefined for anything else. */
export function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
