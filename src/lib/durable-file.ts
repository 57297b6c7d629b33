import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Options of {@link writeDurably}. */
export interface DurableOptions {
  /** Permission bits of the file, set before its first byte is written. */
  mode?: number;
  /** Whom the file belongs to, set before it gets its name. */
  owner?: { uid: number; gid: number };
}

/** Tells the temporary neighbours of one file apart. */
const MARK_BYTES = 6;

/**
 * Replaces a file so that after a power cut either the old or the new content is there, never a part:
 * write to a temporary neighbour, fsync, rename, fsync of the directory. Throws the system's error (ENOSPC, EACCES…)
 * and leaves the old file as it was.
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  options: DurableOptions = {},
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(MARK_BYTES).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      if (options.mode !== undefined) await file.chmod(options.mode);
      if (options.owner !== undefined) await giveTo(file, options.owner);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Removes what writers of `path` have left that were killed in the middle of {@link writeDurably}; only for a file that nobody
 * is writing now. Never throws: what cannot be removed harms nobody.
 */
export async function removeUnfinished(path: string): Promise<void> {
  const [before, after] = [`.${basename(path)}.`, '.tmp'];
  const names = await readdir(dirname(path)).catch(() => []);
  const unfinished = names.filter(
    (name) =>
      name.startsWith(before) &&
      name.length === before.length + 2 * MARK_BYTES + after.length &&
      name.endsWith(after),
  );
  await Promise.all(unfinished.map((name) => rm(join(dirname(path), name)).catch(() => undefined)));
}

/** Under the unit's sandbox nobody may change owners, not even to the one that a file has. */
async function giveTo(file: FileHandle, owner: { uid: number; gid: number }): Promise<void> {
  const { uid, gid } = await file.stat();
  if (uid !== owner.uid || gid !== owner.gid) await file.chown(owner.uid, owner.gid);
}

/** Makes the directory's own entries (a rename, a new file) survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
