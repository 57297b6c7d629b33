import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, realpath, rm, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../lib/errors.ts';
import { type CacheLayout, linkTarget } from './cache-layout.ts';
import { isGitSha1, isSha256 } from './names.ts';

/** Bytes read at once. */
const READ_BYTES = 4 * 1024 * 1024;

/** One file of a cached model, read again from its first byte to its last. */
export interface FileCheck {
  path: string;
  bytes: number;
  /** `unnamed`: it is no link to a blob, so nothing says which hash it must have. */
  state: 'ok' | 'damaged' | 'missing' | 'unnamed';
  /** What is wrong, with both hashes; '' when nothing is. */
  detail: string;
}

/**
 * Reads every file of a snapshot and compares its hash with the name of its blob, in the order of their names. Fetches
 * and changes nothing. Throws when the snapshot cannot be listed, and when `signal` aborts.
 */
export async function* verifySnapshot(
  layout: CacheLayout,
  commit: string,
  signal: AbortSignal,
): AsyncGenerator<FileCheck> {
  const snapshot = join(layout.snapshots, commit);
  const root = await realpath(layout.directory);
  const entries = await readdir(snapshot, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(snapshot.length + 1));
  for (const path of paths.sort()) {
    signal.throwIfAborted();
    yield await verifyFile(snapshot, path, root, signal);
  }
}

async function verifyFile(
  snapshot: string,
  path: string,
  root: string,
  signal: AbortSignal,
): Promise<FileCheck> {
  const full = join(snapshot, path);
  try {
    const real = await realpath(full);
    const { size: bytes } = await stat(real);
    if (!real.startsWith(root + sep)) {
      return { path, bytes, state: 'missing', detail: 'its link leads out of the directory' };
    }
    const name = (await lstat(full)).isSymbolicLink() ? basename(await readlink(full)) : '';
    const algorithm = isSha256(name) ? 'sha256' : isGitSha1(name) ? 'sha1' : null;
    if (algorithm === null) return { path, bytes, state: 'unnamed', detail: '' };
    const hash = createHash(algorithm);
    if (algorithm === 'sha1') hash.update(`blob ${bytes}\0`);
    await pipeline(createReadStream(real, { highWaterMark: READ_BYTES }), hash, { signal });
    const hex = hash.digest('hex');
    if (hex === name) return { path, bytes, state: 'ok', detail: '' };
    return { path, bytes, state: 'damaged', detail: `${algorithm} is ${hex}, must be ${name}` };
  } catch (error) {
    signal.throwIfAborted();
    return { path, bytes: 0, state: 'missing', detail: errorMessage(error) };
  }
}

/** Takes a damaged file out of the cache, so that a download fetches just this one again. */
export async function removeDamaged(layout: CacheLayout, commit: string, path: string): Promise<void> {
  const link = join(layout.snapshots, commit, path);
  const target = await readlink(link).catch(() => null);
  // The link goes first: without it the file counts as missing, whatever happens to the blob.
  await rm(link, { force: true });
  const blob = target === null ? '' : basename(target);
  if (target === linkTarget(path, blob)) await rm(join(layout.blobs, blob), { force: true });
}
