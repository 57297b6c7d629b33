import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CacheLayout, cacheLayout, leftoverEtag } from './cache-layout.ts';
import { cachedCommit, findComplete } from './cached-model.ts';
import { parseModelIdentifier } from './identifier.ts';
import type { ModelIdentifier } from './types.ts';

/** A model in a cache, whoever put it there. */
export interface ShelvedModel {
  /** `org/name`. */
  id: string;
  /** 40 hex; null while nothing is readable under the revision. */
  commit: string | null;
  /** One whole weight set, configuration and tokenizer are there. */
  complete: boolean;
  /** Files of that set; null when it is not complete. */
  files: number | null;
  /** Bytes of that set, or of everything that is there of an incomplete one. */
  bytes: number;
}

/** The models in the cache below the mounted directory, by name; an unreadable directory throws. */
export async function listModels(directory: string, revision: string): Promise<ShelvedModel[]> {
  const hub = join(directory, 'hub');
  const names = await readdir(hub).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const identifiers = names.map(identifierOf).filter((identifier) => identifier !== null);
  const models = await Promise.all(
    identifiers.map((identifier) => describeModel(directory, identifier, revision)),
  );
  return models.sort((a, b) => a.id.localeCompare(b.id));
}

/** What a cache has of one model. */
export async function describeModel(
  directory: string,
  identifier: ModelIdentifier,
  revision: string,
): Promise<ShelvedModel> {
  const layout = cacheLayout(directory, identifier);
  const found = await findComplete(directory, identifier, revision);
  return {
    id: identifier.id,
    commit: found?.commit ?? (await cachedCommit(layout, revision)),
    complete: found !== null,
    files: found?.files ?? null,
    bytes: found?.bytes ?? (await blobBytes(layout)),
  };
}

/** Bytes on disk of all blobs; partial files have holes, so their blocks count, not their size. */
async function blobBytes(layout: CacheLayout): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(layout.blobs).catch(() => [])) {
    const found = await stat(join(layout.blobs, name)).catch(() => null);
    if (found === null || !found.isFile()) continue;
    bytes += leftoverEtag(name) === null ? found.size : Math.min(found.size, found.blocks * 512);
  }
  return bytes;
}

/** The id behind a folder `models--org--name`, or null. */
function identifierOf(folder: string): ModelIdentifier | null {
  const match = /^models--(.+?)--(.+)$/.exec(folder);
  return match === null ? null : (parseModelIdentifier(`${match[1]}/${match[2]}`).identifier ?? null);
}
