import type { IncomingMessage, ServerResponse } from 'node:http';

/** Largest request body a stand-in reads. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Reads a whole request body as text. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('request body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Parses a body; null where it is no JSON object. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** Answers with text of the given type; '' sends an empty body. */
export function sendText(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  const headers: Record<string, string | number> = { 'content-length': Buffer.byteLength(text) };
  if (text !== '') headers['content-type'] = `${type}; charset=utf-8`;
  response.writeHead(status, headers);
  response.end(text);
}

/** The token of an `Authorization: Bearer` header, or null. */
export function bearerToken(request: IncomingMessage): string | null {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  return scheme?.toLowerCase() === 'bearer' && token ? token : null;
}

/** Path of a request without its query. */
export function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? '/', 'http://stand-in').pathname;
}
