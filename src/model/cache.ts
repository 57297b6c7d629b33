import { lstat, mkdir, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { syncDirectory, writeDurably } from '../lib/durable-file.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import { blobPath, type CacheLayout, leftoverEtag, linkTarget } from './cache-layout.ts';
import { type HubFile, ModelError } from './types.ts';

/** Files of a cache that containers of any user read, and this daemon alone writes. */
const FILE_MODE = 0o644;

/** Makes the directories of a model. Throws `model_cache_not_writable`, also when a link stands in the way. */
export async function prepareCache(layout: CacheLayout, commit: string): Promise<void> {
  await mkdir(layout.directory, { recursive: true }).catch((error: unknown) => {
    throw notWritable(layout.directory, error);
  });
  for (const directory of [layout.blobs, layout.refs, join(layout.snapshots, commit)]) {
    await makeDirectories(layout, directory);
  }
}

/** True when the blob of the file is there with its full size; blobs of other clients may be links into a store. */
export async function hasBlob(layout: CacheLayout, file: HubFile): Promise<boolean> {
  const found = await stat(blobPath(layout, file)).catch(() => null);
  return found?.isFile() === true && found.size === file.sizeBytes;
}

/** Puts the link of a file into the snapshot, replacing another link or file of that name. */
export async function linkIntoSnapshot(layout: CacheLayout, commit: string, file: HubFile): Promise<void> {
  const link = join(layout.snapshots, commit, file.path);
  const target = linkTarget(file.path, file.etag);
  await makeDirectories(layout, dirname(link));
  if ((await readlink(link).catch(() => null)) === target) return;
  const temporary = `${link}.ai-sandbox.tmp`;
  try {
    await rm(temporary, { force: true });
    await symlink(target, temporary);
    await rename(temporary, link);
    await syncDirectory(dirname(link));
  } catch (error) {
    throw notWritable(link, error);
  }
}

/**
 * Writes `refs/<revision>`, the last step: from then on readers find the snapshot. 40 hex, no newline. A commit needs no
 * ref, because readers find its snapshot by itself.
 */
export async function writeRef(layout: CacheLayout, commit: string, revision = 'main'): Promise<void> {
  const path = join(layout.refs, revision);
  try {
    if (revision !== commit) await makeDirectories(layout, dirname(path));
    for (const directory of [layout.blobs, join(layout.snapshots, commit), layout.snapshots]) {
      await syncDirectory(directory);
    }
    if (revision !== commit) await writeDurably(path, commit, { mode: FILE_MODE });
  } catch (error) {
    throw notWritable(path, error);
  }
}

/** Removes partial files of ours that no longer belong to a wanted blob, and temporary refs of an interrupted write. */
export async function sweepLeftovers(layout: CacheLayout, wanted: readonly HubFile[]): Promise<void> {
  const etags = new Set(wanted.map((file) => file.etag));
  for (const name of await readdir(layout.blobs).catch(() => [])) {
    const etag = leftoverEtag(name);
    if (etag !== null && !etags.has(etag)) await rm(join(layout.blobs, name), { force: true });
  }
  for (const name of await readdir(layout.refs).catch(() => [])) {
    if (/^\.main\.[0-9a-f]+\.tmp$/.test(name)) await rm(join(layout.refs, name), { force: true });
  }
}

/** The named problem behind a failed write: `disk_full` for a full disk or quota, else `model_cache_not_writable`. */
export function notWritable(path: string, error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  const code = errorCode(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new ModelError({
    code: full ? 'disk_full' : 'model_cache_not_writable',
    detail: `${path}: ${errorMessage(error)}`,
  });
}

/**
 * Creates a directory below the mounted one level by level, never through a link: a container, which sees only the
 * mounted directory, could not follow it.
 */
async function makeDirectories(layout: CacheLayout, directory: string): Promise<void> {
  let path = layout.directory;
  for (const segment of relative(layout.directory, directory).split('/')) {
    path = join(path, segment);
    const found = await lstat(path).catch(() => null);
    if (found === null) {
      await mkdir(path).catch((error: unknown) => {
        if (errorCode(error) !== 'EEXIST') throw notWritable(path, error);
      });
    } else if (!found.isDirectory()) {
      const what = found.isSymbolicLink() ? 'a symbolic link' : 'not a directory';
      throw notWritable(path, new Error(`it is ${what}; nothing is written through it`));
    }
  }
}
