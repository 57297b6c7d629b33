import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { writeDurably } from '../lib/durable-file.ts';
import { errorCode } from '../lib/errors.ts';
import { type Credential, mergeCredentials } from './credentials.ts';

/** Its owner alone may read it. */
const MODE = 0o600;

/** Somebody else's file of that size is none of credentials. */
const MAXIMUM_BYTES = 64 * 1024;

/** Whose file it is. */
export interface FileOwner {
  uid: number;
  gid: number;
}

/**
 * Brings the credentials into the file at `path`, in the directory of a user that may do there what it likes: links are
 * not followed, the new file is complete, closed and the user's own before it gets its name. Returns whether something was
 * changed. Throws the system's error, or when something that is no ordinary file has the name.
 * A file of the user that has the right mode already is written into: under the unit's sandbox nobody may give files away, so
 * the installer makes an empty one.
 */
export async function writeCredentials(
  path: string,
  owner: FileOwner,
  credentials: readonly Credential[],
): Promise<boolean> {
  const found = await readExisting(path);
  const text = mergeCredentials(found?.text ?? '', credentials);
  const rightsFit = found !== null && found.mode === MODE && found.uid === owner.uid;
  if (rightsFit && found.text === text) return false;
  if (rightsFit && owner.uid !== process.geteuid?.()) await writeInPlace(path, owner, text);
  else await writeDurably(path, text, { mode: MODE, owner });
  return true;
}

async function writeInPlace(path: string, owner: FileOwner, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const info = await file.stat();
    // Another name of a file elsewhere, put there meanwhile, is not written into.
    if (!info.isFile() || info.nlink !== 1 || info.uid !== owner.uid)
      throw new Error('it is not the file that it was');
    // Never shorter than it must be: a power cut in between must not take the lines of others away.
    const content = Buffer.from(text);
    let at = 0;
    while (at < content.length) at += (await file.write(content, at, content.length - at, at)).bytesWritten;
    await file.truncate(content.length);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readExisting(path: string): Promise<{ text: string; mode: number; uid: number } | null> {
  // A pipe in the place of the file must not hold up the daemon.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw errorCode(error) === 'ELOOP' ? new Error('it is a link') : error;
  });
  if (file === null) return null;
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new Error('it is not a regular file');
    if (info.size > MAXIMUM_BYTES) throw new Error(`it is larger than ${MAXIMUM_BYTES / 1024} KiB`);
    return { text: await file.readFile('utf8'), mode: info.mode & 0o777, uid: info.uid };
  } finally {
    await file.close();
  }
}
