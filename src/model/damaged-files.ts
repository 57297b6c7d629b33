import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheLayout } from './cache-layout.ts';
import { parseModelIdentifier } from './identifier.ts';
import { isCommit } from './names.ts';

/** Names of blobs: sha256 of large files, git's sha1 of small ones. */
const SHA256_NAME = /^[0-9a-f]{64}$/;
const GIT_SHA1_NAME = /^[0-9a-f]{40}$/;

/**
 * Deletes the files of a cached model whose content is not what their name in `blobs/` says, and returns their paths in the
 * snapshot, so that a download fetches just them again. A file that is no link to a blob has no name to be checked against and is
 * never touched. `suspect` (a path or its last part, as the engine's log named it) is checked alone where it is one of them.
 * Reads every byte of what it checks. Throws what the file system throws, and when `signal` aborts.
 */
export async function deleteDamagedFiles(
  directory: string,
  modelId: string,
  suspect: string | null,
  signal: AbortSignal,
): Promise<string[]> {
  const parsed = parseModelIdentifier(modelId);
  if (!('identifier' in parsed)) return [];
  const layout = cacheLayout(directory, parsed.identifier);
  const commit = await readFile(join(layout.refs, 'main'), 'utf8');
  if (!isCommit(commit)) return [];
  const snapshot = join(layout.snapshots, commit);
  const linked = await linkedFiles(snapshot);
  const named = suspect === null ? [] : linked.filter(({ path }) => basename(path) === basename(suspect));
  const deleted: string[] = [];
  for (const { path, blob } of named.length > 0 ? named : linked) {
    signal.throwIfAborted();
    const content = join(layout.blobs, blob);
    if (await isIntact(content, blob, signal)) continue;
    // The link goes first: without it the file counts as missing, whatever happens to the blob.
    await rm(join(snapshot, path), { force: true });
    await rm(content, { force: true });
    deleted.push(path);
  }
  return deleted;
}

/** The links of a snapshot that lead to blobs of their own repository. */
async function linkedFiles(snapshot: string): Promise<{ path: string; blob: string }[]> {
  const found: { path: string; blob: string }[] = [];
  for (const path of await readdir(snapshot, { recursive: true })) {
    const full = join(snapshot, path);
    if (!(await lstat(full)).isSymbolicLink()) continue;
    const target = await readlink(full);
    const blob = basename(target);
    const depth = path.split('/').length + 1;
    if (target === `${'../'.repeat(depth)}blobs/${blob}`) found.push({ path, blob });
  }
  return found;
}

async function isIntact(path: string, name: string, signal: AbortSignal): Promise<boolean> {
  const algorithm = SHA256_NAME.test(name) ? 'sha256' : GIT_SHA1_NAME.test(name) ? 'sha1' : null;
  if (algorithm === null) return true;
  const hash = createHash(algorithm);
  if (algorithm === 'sha1') hash.update(`blob ${(await stat(path)).size}\0`);
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex') === name;
}
