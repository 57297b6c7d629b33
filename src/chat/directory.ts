import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { errorMessage } from '../lib/errors.ts';

/** What was seen of the data directory on the host. */
export interface DirectoryFacts {
  /** Why nothing can be written there, in the system's words; null when it can. */
  notWritable: string | null;
  /** Space that is left there; null where it cannot be told. */
  bytesFree: number | null;
}

/** Looks at the directory. Never rejects. */
export async function inspectDirectory(path: string): Promise<DirectoryFacts> {
  try {
    if (!(await stat(path)).isDirectory()) return { notWritable: 'it is not a directory', bytesFree: null };
    const space = await statfs(path);
    const bytesFree = space.bavail * space.bsize;
    const reason = await access(path, constants.W_OK | constants.X_OK).then(() => null, errorMessage);
    return { notWritable: reason, bytesFree };
  } catch (error) {
    return { notWritable: errorMessage(error), bytesFree: null };
  }
}
