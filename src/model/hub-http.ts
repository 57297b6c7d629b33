import type { Dispatcher } from 'undici';
import { errorCode, errorMessage } from '../lib/errors.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { trustedCertificates } from './certificates.ts';
import { redirectFault } from './endpoint.ts';
import { invalidAnswer } from './hub-answers.ts';
import { ModelError } from './types.ts';

/** Redirects followed for one request, the hub's own included. */
const MAXIMUM_REDIRECTS = 5;

/** An answer whose body is still to be read or thrown away. */
export interface HttpAnswer {
  status: number;
  /** A header's first value, or null. */
  header(name: string): string | null;
  body: Dispatcher.ResponseData['body'];
  /** Address that answered, after redirects. */
  url: URL;
  /** False after a redirect to another host: its words are not the hub's. */
  fromHub: boolean;
}

/** How one request is made. */
export interface HttpQuestion {
  method: 'GET' | 'HEAD';
  url: URL;
  headers?: Record<string, string>;
  /** Redirects to other hosts are followed too; otherwise the first answer that leads away is returned as it is. */
  leaveHub: boolean;
  signal: AbortSignal;
}

/**
 * HTTP/1.1 only: over HTTP/2 undici is bound by its flow-control window. Proxies of the environment and the authorities
 * of `caFile` are honoured. undici is loaded with the first request, so that the start of the daemon does not wait for it.
 */
export async function createHubDispatcher(hub: URL, caFile: string | null): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const plain = { allowH2: false, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 };
  if (hub.protocol !== 'https:') return new Agent(plain);
  const connect = { ca: await trustedCertificates(caFile) };
  const options = { ...plain, connect };
  if (isLoopbackHost(hub.hostname)) return new Agent(options);
  return new EnvHttpProxyAgent({ ...options, requestTls: connect, proxyTls: connect });
}

/**
 * Sends one request and follows redirects by hand. The token goes to the hub's own origin and to nobody else.
 * Network failures throw a transient `hub_unreachable`, forbidden redirects `hub_answer_invalid`, an abort its reason.
 */
export async function send(
  dispatcher: Dispatcher,
  hub: URL,
  token: string | null,
  question: HttpQuestion,
): Promise<HttpAnswer> {
  let url = question.url;
  for (let hops = 0; ; hops += 1) {
    const fromHub = url.origin === hub.origin;
    const answer = await ask(dispatcher, url, requestHeaders(hub, url, token, question.headers), question);
    let target: URL | null;
    try {
      target = redirectTarget(hub, url, answer, hops);
    } catch (error) {
      await discard(answer);
      throw error;
    }
    if (target === null || (!question.leaveHub && target.origin !== hub.origin)) {
      return { ...answer, url, fromHub };
    }
    await discard(answer);
    url = target;
  }
}

/**
 * Where an answer leads on to, or null when it is no redirect. Throws `hub_answer_invalid` for one that must not be
 * followed, and after too many hops.
 */
export function redirectTarget(
  hub: URL,
  url: URL,
  answer: Pick<HttpAnswer, 'status' | 'header'>,
  hops: number,
): URL | null {
  const location = answer.status >= 301 && answer.status <= 308 ? answer.header('location') : null;
  if (location === null) return null;
  if (!URL.canParse(location, url.href)) throw invalidAnswer(`a redirect of ${url.host} leads to no address`);
  const target = new URL(location, url);
  const fault = redirectFault(hub, target);
  if (fault !== null) throw invalidAnswer(`a redirect of ${url.host} to ${target.host} is refused: ${fault}`);
  if (hops >= MAXIMUM_REDIRECTS)
    throw invalidAnswer(`${hub.host} redirects more than ${MAXIMUM_REDIRECTS} times`);
  return target;
}

/** Headers of every request; the token goes to the hub's own origin and to nobody else. */
export function requestHeaders(
  hub: URL,
  url: URL,
  token: string | null,
  more: Record<string, string> = {},
): Record<string, string> {
  const headers: Record<string, string> = {
    'accept-encoding': 'identity',
    'user-agent': 'ai-sandbox',
    ...more,
  };
  if (token !== null && url.origin === hub.origin) headers['authorization'] = `Bearer ${token}`;
  return headers;
}

/** Reads a body that must not be longer than `maximumBytes`. */
export async function readBody(
  answer: Pick<HttpAnswer, 'body' | 'url'>,
  maximumBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maximumBytes)
        throw invalidAnswer(`an answer of ${answer.url.host} is longer than ${maximumBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw unreachableHub(answer.url, error);
  }
  return Buffer.concat(chunks);
}

/** Throws the rest of a body away, so that its connection is free again. */
export async function discard(answer: Pick<HttpAnswer, 'body'>): Promise<void> {
  await answer.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
}

/** Errors of TLS that say: nobody known vouches for the certificate (Node's names of OpenSSL's). */
const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|CERT_UNTRUSTED|ERR_TLS_CERT_ALTNAME)/;

/** The transient problem of a connection that failed; the address is named without its query (it may be signed). */
export function unreachableHub(url: URL, error: unknown): ModelError {
  const detail = `${url.origin}: ${errorMessage(error)}`;
  if (!UNTRUSTED.test(errorCode(error) ?? '')) {
    const remedy = `Check the network of this machine (curl -I ${url.origin}); it goes on by itself.`;
    return new ModelError({ code: 'hub_unreachable', detail, remedy });
  }
  return new ModelError({
    code: 'hub_unreachable',
    detail: `${detail} (no known authority vouches for its certificate)`,
    remedy:
      'If a proxy or mirror of your own stands between, save its certificate authority in /usr/local/share/ca-certificates as .crt and run update-ca-certificates, or name its file in SSL_CERT_FILE; it goes on by itself.',
  });
}

async function ask(
  dispatcher: Dispatcher,
  url: URL,
  headers: Record<string, string>,
  question: HttpQuestion,
) {
  const { request } = await import('undici');
  try {
    const {
      statusCode,
      headers: received,
      body,
    } = await request(url, {
      dispatcher,
      method: question.method,
      headers,
      signal: question.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const header = (name: string): string | null => {
      const value = received[name];
      return (Array.isArray(value) ? value[0] : value) ?? null;
    };
    return { status: statusCode, header, body };
  } catch (error) {
    if (question.signal.aborted) throw question.signal.reason;
    throw unreachableHub(url, error);
  }
}
