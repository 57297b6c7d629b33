import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultAction } from './faults.ts';
import { readContent, type StoredFile } from './repository.ts';

/** Largest piece written at once. */
const PIECE_BYTES = 64 * 1024;

/** How bytes are sent. */
export interface Sending {
  fault: FaultAction | null;
  /** Bytes a second of one connection, or null for as fast as it goes. */
  throttle: number | null;
  /** Told after each piece. */
  onBytes(bytes: number): void;
}

/** Answers with the bytes of a file: whole, or the range that is asked for (206, 416), or as the fault wants it. */
export async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  file: StoredFile,
  headers: Record<string, string>,
  sending: Sending,
): Promise<void> {
  const { fault } = sending;
  if (fault?.kind === 'answer') {
    response.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? '');
    return;
  }
  const ignored = fault?.kind === 'ignore-range' || (fault?.kind === 'reset' && fault.ignoringRange === true);
  const asked = ignored ? undefined : request.headers.range;
  const range = parseRange(asked, file.size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.size}` }).end();
    return;
  }
  const [from, to] = range ?? [0, file.size];
  const length = to - from + (fault?.kind === 'longer' ? fault.extraBytes : 0);
  const all: Record<string, string> = { ...headers, 'accept-ranges': 'bytes' };
  if (fault?.kind === 'old-version') all['etag'] = '"old"';
  if (range !== null) all['content-range'] = `bytes ${from}-${to - 1}/${file.size}`;
  // Without a length the end of the chunks is the end of the body, and a truncated one looks finished.
  if (fault?.kind !== 'truncate') all['content-length'] = String(length);
  response.writeHead(range === null ? 200 : 206, all);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.flushHeaders();
  await sendPieces(response, file, from, to, sending);
}

async function sendPieces(
  response: ServerResponse,
  file: StoredFile,
  from: number,
  to: number,
  sending: Sending,
): Promise<void> {
  const { fault, throttle } = sending;
  const limit = fault !== null && 'afterBytes' in fault ? Math.min(to, from + fault.afterBytes) : to;
  const piece = throttle === null ? PIECE_BYTES : Math.max(1024, Math.min(PIECE_BYTES, throttle / 20));
  const startedMs = performance.now();
  let sent = 0;
  for await (const bytes of readContent(file.content, from, limit, Math.floor(piece))) {
    if (response.destroyed) return;
    const flips = fault?.kind === 'old-version' || (fault?.kind === 'corrupt' && sent === 0);
    const flipped = flips ? flipFirst(bytes) : bytes;
    sent += bytes.length;
    const ready = response.write(flipped);
    sending.onBytes(bytes.length);
    if (!ready) await drained(response);
    if (throttle !== null) {
      const aheadMs = (sent / throttle) * 1000 - (performance.now() - startedMs);
      if (aheadMs > 0) await sleep(aheadMs);
    }
  }
  if (fault?.kind === 'silence') return;
  if (fault?.kind === 'reset') {
    // Resetting at once would take what was just written back out of the socket's buffer.
    await sleep(20);
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault?.kind === 'longer') response.write(Buffer.alloc(fault.extraBytes));
  response.end();
}

function parseRange(header: string | undefined, size: number): [number, number] | 'unsatisfiable' | null {
  const match = header === undefined ? null : /^bytes=(\d+)-(\d*)$/.exec(header);
  if (match === null) return null;
  const from = Number(match[1]);
  const to = match[2] === '' ? size : Math.min(Number(match[2]) + 1, size);
  return from >= size || to <= from ? 'unsatisfiable' : [from, to];
}

function flipFirst(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[0] = (copy[0] ?? 0) ^ 0xff;
  return copy;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
