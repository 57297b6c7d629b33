import { DeadlineError } from '../lib/deadline.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Redactor } from '../lib/redact.ts';
import type { Finding } from '../status/problem.ts';
import { EngineError, type EngineErrorKind } from './engine.ts';
import { type EngineOperation, findWording } from './engine-wordings.ts';
import { asRecord, asText } from './json-reader.ts';

/** A failure of a call before it has a name. */
interface Failure {
  /** HTTP status of the answer; null when there was none, or for an error inside a stream. */
  statusCode: number | null;
  /** The engine's own words, or the system's. */
  words: string;
  /** Error code of the system or of the HTTP client (`ENOENT`, `UND_ERR_SOCKET`…). */
  errno: string | null;
  deadline: boolean;
  inBand: boolean;
}

/** An error that the engine put into the stream of an answer whose status was 200. */
export class InBandError extends Error {
  constructor(words: string) {
    super(words);
    this.name = 'InBandError';
  }
}

/** An answer with an error status, as our own streams meet it (dockerode makes a similar one). */
export class StatusError extends Error {
  readonly statusCode: number;
  constructor(statusCode: number, words: string) {
    super(words);
    this.name = 'StatusError';
    this.statusCode = statusCode;
  }
}

/** The connection ended before the answer was complete. */
export class ConnectionLostError extends Error {
  readonly code = 'ECONNRESET';
  constructor() {
    super('the engine closed the connection before its answer was complete');
    this.name = 'ConnectionLostError';
  }
}

/** Errors of a connection after which the same read may be sent once more. */
const BROKEN_CONNECTION = new Set(['EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET']);
const PERMISSION = new Set(['EACCES', 'EPERM']);

/** True for a connection that broke under a call: after a restart of the engine the first call meets a dead socket. */
export function isBrokenConnection(error: unknown): boolean {
  const code = errorCode(error);
  return code !== null && BROKEN_CONNECTION.has(code);
}

/**
 * True when the engine refuses the API version of the path: it was upgraded or downgraded under us. It refuses before it
 * does anything, so every call may be sent again. Wordings: moby `api/server/middleware/version.go`.
 */
export function isVersionRefused(error: unknown): boolean {
  const failure = describe(error);
  return failure.statusCode === 400 && /client version \S+ is too (old|new)/i.test(failure.words);
}

/**
 * Gives any failure of a call its kind and its finding. `what` names the call for people ("starting container api").
 * The engine's words are kept, redacted, in the message and in the finding's detail.
 */
export function toEngineError(
  error: unknown,
  operation: EngineOperation,
  what: string,
  redactor: Redactor,
): EngineError {
  if (error instanceof EngineError) return error;
  const failure = describe(error);
  const words = redactor.redact(failure.words);
  const kind = kindOf(failure);
  const finding = findingOf(failure, kind, operation, failure.deadline ? words : `${what}: ${words}`);
  return new EngineError(kind, words, finding, failure.statusCode);
}

function describe(error: unknown): Failure {
  const failure: Failure = {
    statusCode: null,
    words: errorMessage(error).trim(),
    errno: errorCode(error),
    deadline: error instanceof DeadlineError,
    inBand: error instanceof InBandError,
  };
  if (typeof error !== 'object' || error === null) return failure;
  if ('statusCode' in error && typeof error.statusCode === 'number') failure.statusCode = error.statusCode;
  // dockerode wraps the engine's sentence into one of its own; the original stands in `json`
  if ('json' in error) failure.words = answerWords(error.json) || failure.words;
  return failure;
}

/** The engine's sentence in an error body: `{"message": …}`, or a bare text. */
export function answerWords(body: unknown): string {
  if (Buffer.isBuffer(body)) return body.toString('utf8').trim();
  if (typeof body === 'string') return body.trim();
  return asText(asRecord(body)['message']).trim();
}

function kindOf(failure: Failure): EngineErrorKind {
  if (failure.inBand) return 'in_band';
  if (failure.deadline) return 'unreachable';
  if (failure.errno !== null && PERMISSION.has(failure.errno)) return 'permission';
  switch (failure.statusCode) {
    case null:
      return failure.errno === null ? 'refused' : 'unreachable';
    case 304:
      return 'not_modified';
    case 400:
      return 'bad_request';
    case 404:
      return 'not_found';
    case 409:
      return 'conflict';
    default:
      return 'refused';
  }
}

function findingOf(
  failure: Failure,
  kind: EngineErrorKind,
  operation: EngineOperation,
  detail: string,
): Finding {
  if (kind === 'permission') return { code: 'docker_permission_denied', detail };
  if (failure.deadline) {
    // one slow change does not prove a dead engine; only an unanswered read does
    return { code: operation === 'read' ? 'docker_unreachable' : 'engine_call_failed', detail };
  }
  if (kind === 'unreachable') return { code: 'docker_unreachable', detail };
  const meaning = findWording(operation, failure.words);
  if (meaning !== null) return { ...meaning, detail };
  switch (operation) {
    case 'start':
      // a container that is gone or being removed is met by the next look, not by a person
      if (kind === 'conflict' || /no such container/i.test(failure.words)) {
        return { code: 'engine_call_failed', detail };
      }
      return { code: 'container_start_refused', detail };
    case 'create':
      if (kind === 'not_found' && /no such image/i.test(failure.words)) {
        // the image was removed between the look and the call; the next round pulls it
        return { code: 'image_not_found', detail, class: 'transient' };
      }
      return { code: kind === 'conflict' ? 'engine_call_failed' : 'container_start_refused', detail };
    case 'pull':
      return { code: 'image_pull_failed', detail };
    case 'change':
    case 'logs':
    case 'read':
      return { code: 'engine_call_failed', detail };
  }
}
