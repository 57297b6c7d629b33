/** What the control socket can ask for; main connects it to the rooms. */
export interface Control {
  /** Wants the service again and resolves when its start is under way or done; rejects with the reason in words. */
  start(name: string): Promise<void>;
  /** Resolves when the service is stopped; the wish survives a restart of the daemon. */
  stop(name: string): Promise<void>;
  restart(name: string): Promise<void>;
  /** Tries a failed or waiting model download again now. */
  retryModel(): Promise<void>;
  /** Reads settings, hub token and compose file again; rejects with what is not in force, one line each. */
  reload(): Promise<void>;
  /** Services of the compose file in its order. */
  serviceNames(): string[];
  /** Redacted lines without their ends; ends by itself without `follow`; throws with the reason in words. */
  logs(name: string, query: LogQuery, signal: AbortSignal): AsyncIterable<string>;
}

/** Which lines of a log. */
export interface LogQuery {
  /** How many of the last lines. */
  tail: number;
  /** Go on with new lines until the reader leaves. */
  follow: boolean;
}

/** Lines of a log when the reader names no number. */
const DEFAULT_TAIL_LINES = 100;

/** More lines than this are never sent from the past. */
const MAXIMUM_TAIL_LINES = 10_000;

/** Reads `tail` and `follow` from a query string; returns the complaint as text when one is not valid. */
export function parseLogQuery(query: Record<string, unknown>): LogQuery | string {
  const { tail = String(DEFAULT_TAIL_LINES), follow = 'false', ...others } = query;
  const unknown = Object.keys(others);
  if (unknown.length > 0) return `unknown parameter ${unknown.join(', ')}; allowed are tail and follow`;
  if (typeof tail !== 'string' || !/^\d{1,5}$/.test(tail) || Number(tail) > MAXIMUM_TAIL_LINES) {
    return `tail must be a whole number from 0 to ${MAXIMUM_TAIL_LINES}`;
  }
  if (follow !== '' && follow !== '0' && follow !== '1' && follow !== 'true' && follow !== 'false') {
    return 'follow must be true or false';
  }
  return { tail: Number(tail), follow: follow === '' || follow === '1' || follow === 'true' };
}
