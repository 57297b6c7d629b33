import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Clock } from '../lib/clock.ts';
import { DeadlineError, withDeadline } from '../lib/deadline.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import { createLineSplitter } from '../lib/lines.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** Where the daemon listens. */
export type Place = { socketPath: string } | { host: string; port: number };

/** A complete answer. */
export interface Answer {
  status: number;
  body: string;
}

/** How long the daemon may take for a complete answer. */
const ANSWER_MS = 5_000;

/** What a person does when nothing listens. */
const NOT_RUNNING =
  'the daemon is not running; start it: systemctl start ai-sandbox (its log: journalctl -u ai-sandbox)';

/**
 * Sends one request and reads the whole answer, whatever its status. Throws {@link CliFailure}: not running, no
 * permission on the socket, or no answer in time.
 */
export async function ask(place: Place, method: 'GET' | 'POST', path: string, clock: Clock): Promise<Answer> {
  try {
    return await withDeadline(clock, 'the daemon', ANSWER_MS, async (signal) => {
      const answer = await send(place, method, path, signal);
      return { status: answer.statusCode ?? 0, body: await text(answer) };
    });
  } catch (error) {
    throw connectionFailure(place, error);
  }
}

/** Like {@link ask}, for an answer that must be a success; throws the daemon's own words otherwise. */
export async function askForJson(
  place: Place,
  method: 'GET' | 'POST',
  path: string,
  clock: Clock,
): Promise<unknown> {
  const { status, body } = await ask(place, method, path, clock);
  if (status >= 300) throw new CliFailure(EXIT.failed, detailOf(status, body));
  return parseJson(body);
}

/** Reads a text answer line by line as it comes; resolves at its end, throws when it breaks off. */
export async function readLines(
  place: Place,
  path: string,
  onLine: (line: string) => Promise<void>,
): Promise<void> {
  let answer: IncomingMessage;
  try {
    answer = await send(place, 'GET', path, null);
  } catch (error) {
    throw connectionFailure(place, error);
  }
  const status = answer.statusCode ?? 0;
  if (status !== 200) throw new CliFailure(EXIT.failed, detailOf(status, await text(answer)));
  const splitter = createLineSplitter();
  try {
    for await (const chunk of answer) {
      for (const line of splitter.push(chunk)) await onLine(line);
    }
  } catch (error) {
    if (errorCode(error) !== 'ECONNRESET') throw error;
    throw new CliFailure(EXIT.failed, 'the log broke off: the daemon or the Docker engine went away');
  }
  for (const line of splitter.end()) await onLine(line);
}

function send(
  place: Place,
  method: string,
  path: string,
  signal: AbortSignal | null,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(
      {
        ...place,
        method,
        path,
        headers: { host: 'localhost', accept: 'application/json' },
        ...(signal === null ? {} : { signal }),
      },
      resolve,
    )
      .once('error', reject)
      .end();
  });
}

function connectionFailure(place: Place, error: unknown): CliFailure {
  const where = 'socketPath' in place ? place.socketPath : `${place.host}:${place.port}`;
  if (error instanceof DeadlineError) {
    return new CliFailure(
      EXIT.failed,
      `the daemon does not answer on ${where} (${error.afterMs / 1000} s); restart it: systemctl restart ai-sandbox`,
    );
  }
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
    case 'ENOTDIR':
      return new CliFailure(EXIT.notRunning, NOT_RUNNING);
    case 'EACCES':
    case 'EPERM':
      return new CliFailure(
        EXIT.noPermission,
        `no permission on ${where}; use sudo, or join the group: sudo usermod -aG ai-sandbox $USER (then log in again)`,
      );
    default:
      return new CliFailure(EXIT.failed, `the daemon on ${where} broke off: ${errorMessage(error)}`);
  }
}

function detailOf(status: number, body: string): string {
  const parsed = parseJson(body);
  if (typeof parsed === 'object' && parsed !== null && 'detail' in parsed) return String(parsed.detail);
  return `the daemon answered with status ${status}`;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
