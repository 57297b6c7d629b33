import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { errorCode } from '../lib/errors.ts';

/** Bytes 18 and 19 of the header are 2 for WAL, 1 for a rollback journal (sqlite.org/fileformat.html). */
export async function usesWal(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
    return buffer[18] === 2 && buffer[19] === 2;
  } finally {
    await file.close();
  }
}

/** The files of a database as they stand; null for one that is missing. */
export interface DatabaseFiles {
  file: Stats | null;
  /** The write-ahead log; an empty one counts as missing. */
  wal: Stats | null;
  /** The shared memory: there while the database is open, and after a crash. */
  sharedMemory: Stats | null;
}

/** Looks at the files. Throws the system's error for anything but a missing file. */
export async function statDatabase(path: string): Promise<DatabaseFiles> {
  const [file, wal, sharedMemory] = await Promise.all([
    statOrNull(path),
    statOrNull(`${path}-wal`),
    statOrNull(`${path}-shm`),
  ]);
  return { file, wal: wal === null || wal.size === 0 ? null : wal, sharedMemory };
}

/** Text that changes with every write: of the file and of its write-ahead log. */
export function stampOf({ file, wal }: DatabaseFiles): string {
  const part = (stats: Stats | null) =>
    stats === null ? '-' : `${stats.ino}:${stats.size}:${stats.mtimeMs}`;
  return `${part(file)} ${part(wal)}`;
}

async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
