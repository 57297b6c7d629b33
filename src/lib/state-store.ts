import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Clock } from './clock.ts';
import { writeDurably } from './durable-file.ts';
import { errorCode, errorMessage } from './errors.ts';

/** Version of the file's form; another one is treated like a corrupt file: set aside, rebuilt. */
const STATE_VERSION = 1;

/** The part of the state file that one room owns. */
export interface StateSection<T> {
  /** The value as last set; a fresh default where the file had none. */
  get(): T;
  /** Replaces the value and writes the file. Resolves when it is on disk; rejects with the system's error. */
  set(value: T): Promise<void>;
}

/** The one file of what cannot be derived. Writes are in order and coalesced. */
export interface StateStore {
  /** Gives a room its part. A part that does not fit `schema` is replaced by `initial` and counted as damage. */
  section<S extends TSchema>(name: string, schema: S, initial: Static<S>): StateSection<Static<S>>;
  /** Path of the copy that was set aside at opening, with the reason; null when the file was fine. */
  readonly quarantined: { path: string; reason: string } | null;
  /** Why the last write failed; null when it worked. */
  lastWriteError(): string | null;
  /** Resolves when everything set so far is on disk (or has failed). */
  flush(): Promise<void>;
}

/**
 * Opens the state file; a missing one is empty, a corrupt one is renamed to `<path>.corrupt-<time>` and the store starts empty.
 * Never throws for what is in the file; an unreadable directory shows in `lastWriteError` at the first write.
 */
export async function openStateStore(path: string, clock: Pick<Clock, 'now'>): Promise<StateStore> {
  let sections: Record<string, unknown> = {};
  let quarantined: StateStore['quarantined'] = null;
  let copied: Promise<void> = Promise.resolve();
  const asidePath = () => `${path}.corrupt-${clock.now().toISOString().replace(/[:.]/g, '-')}`;
  const setAside = async (reason: string) => {
    const aside = asidePath();
    await rename(path, aside).catch(() => undefined);
    quarantined = { path: aside, reason };
  };
  const copyAside = (reason: string) => {
    if (quarantined !== null) return;
    const aside = asidePath();
    quarantined = { path: aside, reason };
    copied = copyFile(path, aside).catch(() => undefined);
  };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(() => undefined);
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isRecord(parsed) || parsed['version'] !== STATE_VERSION || !isRecord(parsed['sections'])) {
      await setAside(`not a state file of version ${STATE_VERSION}`);
    } else {
      sections = parsed['sections'];
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') await setAside(errorMessage(error));
  }

  let writeError: string | null = null;
  let dirty = false;
  let writing: Promise<void> | null = null;
  const writeOut = async () => {
    await copied;
    while (dirty) {
      dirty = false;
      try {
        await writeDurably(path, `${JSON.stringify({ version: STATE_VERSION, sections }, null, 2)}\n`, {
          mode: 0o600,
        });
        writeError = null;
      } catch (error) {
        writeError = errorMessage(error);
        throw error;
      }
    }
  };
  const save = (): Promise<void> => {
    dirty = true;
    writing ??= writeOut().finally(() => {
      writing = null;
    });
    return writing;
  };

  return {
    get quarantined() {
      return quarantined;
    },
    section(name, schema, initial) {
      const stored = sections[name];
      let value = initial;
      if (stored !== undefined) {
        if (Value.Check(schema, stored)) value = stored;
        else copyAside(`the part "${name}" was not valid and was reset`);
      }
      return {
        get: () => value,
        set: (next) => {
          value = next;
          sections[name] = next;
          return save();
        },
      };
    },
    lastWriteError: () => writeError,
    flush: () => (writing ?? Promise.resolve()).catch(() => undefined),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
