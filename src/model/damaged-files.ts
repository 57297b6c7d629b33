import { cacheLayout } from './cache-layout.ts';
import { cachedCommit } from './cached-model.ts';
import { parseModelIdentifier } from './identifier.ts';
import { removeDamaged, verifySnapshot } from './verify.ts';

/**
 * Reads every file that the cache has for a revision of a model and takes those out whose content is not what their name says, so that a download fetches
 * just them again; returns their paths. Files that carry no hash in their name are never touched. Throws what the file system
 * throws, and when `signal` aborts.
 */
export async function deleteDamagedFiles(
  directory: string,
  modelId: string,
  revision: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { identifier } = parseModelIdentifier(modelId);
  if (identifier === undefined) return [];
  const layout = cacheLayout(directory, identifier);
  const commit = await cachedCommit(layout, revision);
  if (commit === null) return [];
  const deleted: string[] = [];
  for await (const { path, state } of verifySnapshot(layout, commit, signal)) {
    if (state !== 'damaged') continue;
    await removeDamaged(layout, commit, path);
    deleted.push(path);
  }
  return deleted;
}
