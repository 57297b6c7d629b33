import { execFile } from 'node:child_process';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Clock } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import { errorMessage } from '../lib/errors.ts';
import { programBeside } from '../lib/program-beside.ts';
import type { DatabaseAnswer, LookMode } from './database-answer.ts';
import { usesWal } from './database-file.ts';

/** How long one look may take. */
const LIMIT_MS = 10_000;

/**
 * The limit for a database without a write-ahead log: there a reader holds up writers, and Open WebUI gives up after
 * waiting 5 s (its busy_timeout).
 */
const LIMIT_WITHOUT_WAL_MS = 4000;

/** Asks for one look into the database. Never rejects; answers `inconclusive` after the limit or an abort. */
export type LookIntoDatabase = (
  path: string,
  mode: LookMode,
  signal?: AbortSignal,
) => Promise<DatabaseAnswer>;

/** Parts of {@link createDatabaseLook}. */
export interface DatabaseLookParts {
  clock: Clock;
  /** The program to run; by default the file beside this one, `.ts` from sources and `.mjs` beside the bundle. */
  entry?: string;
  limitMs?: number;
}

/**
 * Makes the look into a database: a process of its own that is killed at the limit. A worker thread cannot do this: a
 * statement of SQLite is not interrupted by `terminate()`, which waits for it (as does the exit of the daemon), and a
 * damaged mapped file ends the process that reads it with SIGBUS.
 */
export function createDatabaseLook(parts: DatabaseLookParts): LookIntoDatabase {
  const { clock, entry = defaultEntry(import.meta.url) } = parts;
  // A process on a dead disk survives SIGKILL; a second one would only join it.
  let alive = false;
  return async (path, mode, signal) => {
    if (alive) return { kind: 'inconclusive', detail: 'an earlier look has not ended yet' };
    const ask = (cut: AbortSignal) =>
      new Promise<string>((resolve, reject) => {
        // The environment of the daemon holds secrets that this process does not need.
        const options = { signal: cut, killSignal: 'SIGKILL', env: {} } as const;
        alive = true;
        execFile(process.execPath, ['--no-warnings', entry, path, mode], options, (error, output) => {
          if (error === null) resolve(output);
          else reject(error);
        }).once('close', () => {
          alive = false;
        });
      });
    try {
      const limitMs = parts.limitMs ?? (await limitFor(path));
      return parseAnswer(await withDeadline(clock, 'the chat database', limitMs, ask, signal));
    } catch (error) {
      return { kind: 'inconclusive', detail: errorMessage(error) };
    }
  };
}

/** The reader's program beside the module at `url`. */
export function defaultEntry(url: string): string {
  return programBeside(url, './database-reader-main.ts', './chat-database-reader.mjs');
}

/** The form of a {@link DatabaseAnswer}; here and not beside its type, so that the reader's process starts fast. */
const AnswerSchema = Type.Union([
  Type.Object({ kind: Type.Literal('missing') }),
  Type.Object({
    kind: Type.Literal('fine'),
    sessionCount: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    lastMessageAt: Type.Union([Type.String(), Type.Null()]),
  }),
  Type.Object({
    kind: Type.Union([Type.Literal('damaged'), Type.Literal('inconclusive')]),
    detail: Type.String(),
  }),
]);

function parseAnswer(output: string): DatabaseAnswer {
  const answer: unknown = JSON.parse(output);
  if (Value.Check(AnswerSchema, answer)) return answer;
  return { kind: 'inconclusive', detail: 'the reader gave no valid answer' };
}

async function limitFor(path: string): Promise<number> {
  try {
    return (await usesWal(path)) ? LIMIT_MS : LIMIT_WITHOUT_WAL_MS;
  } catch {
    return LIMIT_MS;
  }
}
