import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { answerWords, StatusError } from './errors.ts';

/** An error answer is a sentence; of a longer one only the beginning is read. */
const ERROR_BODY_LIMIT_BYTES = 64 * 1024;

/** A request whose answer is read as it comes. */
export interface StreamRequest {
  what: string;
  method: 'GET' | 'POST';
  /** Below the version, with a leading slash. */
  path: string;
  query: Record<string, string>;
  headers?: Record<string, string>;
  /** Until the head of the answer; null waits for as long as the signal lets it. */
  deadlineMs: number | null;
}

/**
 * Sends one request on a connection of its own and resolves with the bytes of a 2xx answer; the iteration throws when the
 * connection breaks before the end, which a stream of dockerode does not tell everywhere. Rejects with {@link StatusError}
 * or an error of the connection. `scope` bounds the whole stream, `signal` only the wait for the head of the answer.
 * Silence is judged by the readers, who know what it means.
 */
export async function openStream(
  socketPath: string,
  apiVersion: string,
  request: StreamRequest,
  scope: AbortSignal,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  signal.throwIfAborted();
  const query = new URLSearchParams(request.query).toString();
  // Node's own client: undici takes 40 ms to load, at the moment at which a booted machine waits for its containers.
  const sent = httpRequest({
    socketPath,
    agent: false,
    method: request.method,
    path: `/v${apiVersion}${request.path}${query === '' ? '' : `?${query}`}`,
    headers: request.headers ?? {},
  });
  const onAbort = () => void sent.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const answer = await headOf(sent);
    const status = answer.statusCode ?? 0;
    if (status >= 300) throw await statusError(status, answer);
    return readBody(sent, answer, scope);
  } catch (error) {
    onAbort();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function headOf(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // stays: a connection that breaks later tells it to the body as well
    sent.on('error', reject);
    sent.once('response', resolve);
    sent.end();
  });
}

async function* readBody(
  sent: ClientRequest,
  body: IncomingMessage,
  scope: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const onAbort = () => void sent.destroy();
  scope.addEventListener('abort', onAbort, { once: true });
  try {
    scope.throwIfAborted();
    for await (const chunk of body) if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    throw scope.aborted ? scope.reason : error;
  } finally {
    scope.removeEventListener('abort', onAbort);
    onAbort();
  }
}

async function statusError(statusCode: number, body: AsyncIterable<unknown>): Promise<StatusError> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    parts.push(chunk);
    length += chunk.length;
    if (length > ERROR_BODY_LIMIT_BYTES) break;
  }
  const text = Buffer.concat(parts).toString('utf8');
  try {
    return new StatusError(statusCode, answerWords(JSON.parse(text)) || text);
  } catch {
    return new StatusError(statusCode, text.trim() || `HTTP status ${statusCode}`);
  }
}
