import type { Dispatcher } from 'undici';
import type { Clock } from '../lib/clock.ts';
import { DeadlineError, withDeadline } from '../lib/deadline.ts';
import { ConnectionError, type StreamHead, streamGet } from './http-stream.ts';
import { fileHostRefusal, type HubQuestion, readRefusal, refusalToError } from './hub-errors.ts';
import {
  createHubDispatcher,
  discard,
  type HttpAnswer,
  readBody,
  redirectTarget,
  requestHeaders,
  send,
  unreachableHub,
} from './hub-http.ts';
import type { ModelError } from './types.ts';

/** Longest wait for the answer to one request; for a file: until its first header. */
const ANSWER_DEADLINE_MS = 30_000;
/** Largest JSON answer or small file that is read into memory. */
export const MAXIMUM_JSON_BYTES = 64 * 1024 * 1024;

/** What {@link createHubSession} needs. */
export interface SessionOptions {
  /** Address of the hub, already checked (settings); a slash at its end is dropped. */
  endpoint: string;
  /** Read anew for each request. */
  token: () => string | null;
  clock: Clock;
  /** A file with further certificate authorities (PEM); absent or null: none. */
  caFile?: string | null;
  /** Replaces the connections, in tests. */
  dispatcher?: Dispatcher;
}

/** What a question is about, for the words of a refusal. */
type HubSubject = Pick<HubQuestion, 'id' | 'revision'>;

/** Head of an answer, and who gave it. */
export type AnswerHead = StreamHead & Pick<HttpAnswer, 'url' | 'fromHub'>;

/** Takes an answer as it comes, after redirects. */
interface AnswerReceiver {
  /** Whether its bytes are wanted. What it throws ends the connection. */
  onHead(head: AnswerHead): boolean;
  /** The next bytes; a promise pauses the connection until it resolves. */
  onBytes(chunk: Buffer): Promise<void> | undefined;
}

/** Asks one hub: token, deadline and redirects of each request, and the named problem of each answer that is none. */
export interface HubSession {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Whether a token is sent now. */
  hasToken(): boolean;
  /** Sends one request. Throws a transient `hub_unreachable`, or `hub_answer_invalid` for a forbidden redirect. */
  ask(method: 'GET' | 'HEAD', url: URL, signal: AbortSignal, how?: AskOptions): Promise<HttpAnswer>;
  /**
   * GET whose bytes are handed on as they come, redirects followed. Resolves with the head when the answer has ended
   * or is not wanted. Throws a transient `hub_unreachable` for a lost connection. Has no deadline of its own.
   */
  stream(
    url: URL,
    headers: Record<string, string>,
    receiver: AnswerReceiver,
    signal: AbortSignal,
  ): Promise<AnswerHead>;
  /** What an answer that is no success means. */
  refusal(answer: AnswerHead, subject: HubSubject): ModelError;
  /** Throws what an answer that is no success means; its body is thrown away. */
  refuse(answer: HttpAnswer, subject: HubSubject): Promise<never>;
  /** Ends a call that takes too long with `hub_unreachable`. */
  limited<T>(url: URL, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The JSON of an address of the API, and its `Link` header. */
  getJson(
    url: URL,
    subject: HubSubject,
    signal: AbortSignal,
  ): Promise<{ json: unknown; link: string | null }>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

/** Options of {@link HubSession.ask}. */
interface AskOptions {
  headers?: Record<string, string>;
  /** Redirects to other hosts are followed too. */
  leaveHub?: boolean;
}

/** Makes a session; connections are opened with the first request. */
export function createHubSession(options: SessionOptions): HubSession {
  const { clock, token } = options;
  const endpoint = options.endpoint.replace(/\/+$/, '');
  const hub = new URL(endpoint);
  let opened: Promise<Dispatcher> | null = null;
  const open = async (): Promise<Dispatcher> =>
    options.dispatcher ?? createHubDispatcher(hub, options.caFile ?? null);
  const dispatcher = (): Promise<Dispatcher> => {
    // A file that cannot be read may be there the next time.
    opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };

  const session: HubSession = {
    endpoint,
    hasToken: () => token() !== null,
    ask: async (method, url, signal, how = {}) =>
      send(await dispatcher(), hub, token(), {
        method,
        url,
        headers: how.headers ?? {},
        leaveHub: how.leaveHub ?? false,
        signal,
      }),
    async stream(first, headers, receiver, signal) {
      // What is left of an answer that is not wanted goes with its connection.
      const over = new AbortController();
      const inner = AbortSignal.any([signal, over.signal]);
      let url = first;
      for (let hops = 0; ; hops += 1) {
        const fromHub = url.origin === hub.origin;
        const at = url;
        const next: { target: URL | null } = { target: null };
        const head = await streamGet(
          await dispatcher(),
          at,
          requestHeaders(hub, at, token(), headers),
          {
            onHead(answer) {
              next.target = redirectTarget(hub, at, answer, hops);
              return next.target === null && receiver.onHead({ ...answer, url: at, fromHub });
            },
            onBytes: receiver.onBytes,
          },
          inner,
        ).catch((error: unknown) => {
          throw error instanceof ConnectionError ? unreachableHub(at, error.cause) : error;
        });
        if (next.target === null) {
          over.abort(new Error('the answer is not wanted'));
          return { ...head, url, fromHub };
        }
        url = next.target;
      }
    },
    refusal(answer, subject) {
      const sent = token();
      const refusal = readRefusal(answer, sent);
      if (!answer.fromHub) return fileHostRefusal(refusal, answer.url, subject.id, clock.now());
      return refusalToError(refusal, { endpoint, ...subject, withToken: sent !== null }, clock.now());
    },
    async refuse(answer, subject) {
      await discard(answer);
      throw session.refusal(answer, subject);
    },
    async limited(url, signal, call) {
      try {
        return await withDeadline(clock, url.host, ANSWER_DEADLINE_MS, call, signal);
      } catch (error) {
        throw error instanceof DeadlineError ? unreachableHub(url, error) : error;
      }
    },
    getJson: (url, subject, signal) =>
      session.limited(url, signal, async (inner) => {
        const answer = await session.ask('GET', url, inner, { headers: { accept: 'application/json' } });
        if (answer.status !== 200) return session.refuse(answer, subject);
        const text = (await readBody(answer, MAXIMUM_JSON_BYTES)).toString('utf8');
        try {
          return { json: JSON.parse(text) as unknown, link: answer.header('link') };
        } catch {
          // A proxy's or a provider's page in the hub's place; it goes away without a change here.
          throw unreachableHub(
            url,
            `answered something that is not JSON: ${JSON.stringify(text.slice(0, 80))}`,
          );
        }
      }),
    close: async () => {
      await (await opened)?.close();
    },
  };
  return session;
}
