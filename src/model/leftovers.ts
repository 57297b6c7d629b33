import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CacheLayout, leftoverEtag } from './cache-layout.ts';

/** Partial files of huggingface_hub: `<etag>.incomplete` up to 1.17, `<etag>.<8 hex>.incomplete` from 1.18 on. */
const FOREIGN_PARTIAL = /^([0-9a-f]{40}|[0-9a-f]{64})(?:\.[0-9a-f]{8})?\.incomplete$/;

/** Inodes of all files on which a lock is held, as `/proc/locks` lists them; null where it cannot be read. */
export async function lockedInodes(path = '/proc/locks'): Promise<ReadonlySet<string> | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  // `4: FLOCK  ADVISORY  WRITE 19632 fe:00:1532116 0 EOF`; some file systems show another device than stat does.
  return new Set([...text.matchAll(/ [0-9a-f]+:[0-9a-f]+:(\d+) /g)].map(([, inode]) => inode ?? ''));
}

/**
 * Removes partial files that other clients of the hub have left in a model's `blobs/`: newer ones never resume theirs. A
 * file stays while its client holds the lock `.locks/models--…/<etag>.lock`, and all stay where locks cannot be seen.
 * Returns the bytes that came free.
 */
export async function sweepForeignLeftovers(
  layout: CacheLayout,
  locked: ReadonlySet<string> | null,
): Promise<number> {
  if (locked === null) return 0;
  let freed = 0;
  for (const name of await readdir(layout.blobs).catch(() => [])) {
    const etag = FOREIGN_PARTIAL.exec(name)?.[1];
    if (etag === undefined || (await isLocked(layout, etag, locked))) continue;
    const path = join(layout.blobs, name);
    const blocks = await stat(path).then(
      (found) => found.blocks,
      () => 0,
    );
    await rm(path, { force: true });
    freed += blocks * 512;
  }
  return freed;
}

/** Removes what we ourselves left unfinished of other models than the one whose layout is given. */
export async function sweepOtherModels(layout: CacheLayout): Promise<void> {
  for (const folder of await readdir(layout.hub).catch(() => [])) {
    const blobs = join(layout.hub, folder, 'blobs');
    if (!folder.startsWith('models--') || blobs === layout.blobs) continue;
    for (const name of await readdir(blobs).catch(() => [])) {
      if (leftoverEtag(name) !== null) await rm(join(blobs, name), { force: true });
    }
  }
}

/** A lock file with words in it is one of those that hold by being there (filelock's SoftFileLock). */
async function isLocked(layout: CacheLayout, etag: string, locked: ReadonlySet<string>): Promise<boolean> {
  const folder = layout.repository.slice(layout.hub.length + 1);
  const lock = await stat(join(layout.hub, '.locks', folder, `${etag}.lock`)).catch(() => null);
  return lock !== null && (lock.size > 0 || locked.has(String(lock.ino)));
}
