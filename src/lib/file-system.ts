import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from './errors.ts';

/** Where something lies, or would be made. */
export interface FileSystemPlace {
  /** The path itself, or the closest directory above it that is there. */
  existing: string;
  /** The kernel's number of the file system: the same number is the same space. */
  device: number;
}

/** The file system of `path`, which need not be there yet. Rejects with the system's error (EACCES…). */
export async function fileSystemOf(path: string): Promise<FileSystemPlace> {
  try {
    return { existing: path, device: (await stat(path)).dev };
  } catch (error) {
    const above = dirname(path);
    if (errorCode(error) !== 'ENOENT' || above === path) throw error;
    return fileSystemOf(above);
  }
}
