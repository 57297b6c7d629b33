import type { Dispatcher } from 'undici';
import type { Clock } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import { type InstanceMetadata, parseJson, parseMetadata, parseToken } from './metadata.ts';

/** The service answers in milliseconds where there is one; where there is none, packets are often dropped. */
const REQUEST_DEADLINE_MS = 3_000;

/** How long a token is asked for, in seconds; the default of the provider's own clients. */
const TOKEN_LIFETIME_SECONDS = 3_600;

/** The answers are a few hundred bytes. */
const MAXIMUM_BODY_BYTES = 64 * 1024;

/** Asks the metadata service of the cloud. */
export interface MetadataClient {
  /** What it says now. Rejects when it does not answer in time, or with anything but 200. */
  read(signal: AbortSignal): Promise<InstanceMetadata>;
}

/** Makes a client of the service at `baseUrl`. A token is kept as long as it is accepted, and renewed once when it is not. */
export function createMetadataClient(parts: {
  baseUrl: string;
  clock: Clock;
  /** For tests; default: one connection a question, no proxy (the address is of this link only). */
  dispatcher?: Dispatcher;
}): MetadataClient {
  const { baseUrl, clock } = parts;
  let token: string | null = null;

  const ask = (method: 'GET' | 'PUT', path: string, headers: Record<string, string>, outer: AbortSignal) =>
    withDeadline(
      clock,
      `the metadata service (${path})`,
      REQUEST_DEADLINE_MS,
      async (signal) => {
        // Loaded with the first question, so that the start of the daemon does not wait for it.
        const { Agent, request } = await import('undici');
        const dispatcher = parts.dispatcher ?? new Agent({ allowH2: false, pipelining: 0 });
        const answer = await request(`${baseUrl}/v1/${path}`, { method, headers, signal, dispatcher });
        return { status: answer.statusCode, body: await readLimited(answer.body) };
      },
      outer,
    );

  const renewToken = async (signal: AbortSignal): Promise<string> => {
    const expiry = { 'Metadata-Token-Expiry-Seconds': String(TOKEN_LIFETIME_SECONDS) };
    const { status, body } = await ask('PUT', 'token', { ...expiry, accept: 'application/json' }, signal);
    const found = status === 200 ? parseToken(body) : null;
    if (found === null) throw new Error(`no metadata service: PUT /v1/token answered ${status}`);
    token = found;
    return found;
  };

  const get = async (path: string, signal: AbortSignal): Promise<unknown> => {
    const once = async (accepted: string) =>
      ask('GET', path, { 'Metadata-Token': accepted, accept: 'application/json' }, signal);
    let answer = await once(token ?? (await renewToken(signal)));
    if (answer.status === 401) answer = await once(await renewToken(signal));
    if (answer.status !== 200) throw new Error(`GET /v1/${path} answered ${answer.status}`);
    return parseJson(answer.body);
  };

  return {
    read: async (signal) => parseMetadata(await get('instance', signal), await get('network', signal)),
  };
}

async function readLimited(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAXIMUM_BODY_BYTES)
      throw new Error(`it answered with more than ${MAXIMUM_BODY_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
