import type { FastifyReply } from 'fastify';
import { errorCode, errorMessage } from '../lib/errors.ts';

/** Media type of an error answer (RFC 9457). */
const PROBLEM_JSON = 'application/problem+json';

/** An error answer (RFC 9457): `type` is `about:blank`, so `title` follows the status and `detail` says what to do. */
export interface HttpProblem {
  status: number;
  detail: string;
  /** Further members, e.g. `reasons` or `services`. */
  extra?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** A route throws it to answer with a problem. */
export class HttpError extends Error {
  readonly problem: HttpProblem;
  constructor(problem: HttpProblem) {
    super(problem.detail);
    this.name = 'HttpError';
    this.problem = problem;
  }
}

/** Reason phrases (RFC 9110 §15) of the statuses this server uses. */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The body of an error answer. */
function problemBody({ status, detail, extra }: HttpProblem): Record<string, unknown> {
  return { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail, ...extra };
}

/** Sends an error answer. */
export function sendProblem(reply: FastifyReply, problem: HttpProblem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers ?? {})
    .type(PROBLEM_JSON)
    .send(Buffer.from(JSON.stringify(problemBody(problem))));
}

/** The answer for anything a route or fastify itself threw: our own words where we have them, 4xx kept, else 500. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpError) return error.problem;
  const status = statusCodeOf(error);
  if (status !== null && status >= 400 && status < 500) return { status, detail: errorMessage(error) };
  return {
    status: 500,
    detail: 'The daemon could not answer this request; its journal says why: journalctl -u ai-sandbox.',
  };
}

/** The whole answer to bytes that are not HTTP, as text for a raw socket. */
export function rawProblemAnswer(error: unknown): string {
  const status = RAW_STATUSES[errorCode(error) ?? ''] ?? 400;
  const body = JSON.stringify(problemBody({ status, detail: 'The request could not be read as HTTP.' }));
  return [
    `HTTP/1.1 ${status} ${TITLES[status] ?? 'Error'}`,
    `content-type: ${PROBLEM_JSON}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}

/** Codes of Node's HTTP parser that are not a plain 400. */
const RAW_STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

function statusCodeOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null;
  return typeof error.statusCode === 'number' ? error.statusCode : null;
}
