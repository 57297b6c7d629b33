import { join } from 'node:path';
import type { HubFile, ModelIdentifier } from './types.ts';

/** Ending of a file of ours that is still being fetched; other clients use `.incomplete` and leave this one alone. */
const PARTIAL_ENDING = '.ai-sandbox.incomplete';
const JOURNAL_ENDING = '.ai-sandbox.journal';
const MISMATCH_ENDING = '.ai-sandbox.mismatch';

/** Where everything of one model stands; the layout is the hub client's (huggingface_hub `file_download.py`). */
export interface CacheLayout {
  /** The host directory that is mounted at /root/.cache/huggingface. */
  directory: string;
  /** `<directory>/hub`; neither it nor anything below it is written through a link. */
  hub: string;
  /** `<hub>/models--org--name`. */
  repository: string;
  blobs: string;
  refs: string;
  snapshots: string;
}

/** The places of a model below the directory that the api service mounts. */
export function cacheLayout(directory: string, identifier: ModelIdentifier): CacheLayout {
  const hub = join(directory, 'hub');
  const repository = join(hub, `models--${identifier.organisation}--${identifier.name}`);
  return {
    directory,
    hub,
    repository,
    blobs: join(repository, 'blobs'),
    refs: join(repository, 'refs'),
    snapshots: join(repository, 'snapshots'),
  };
}

/** A complete blob: named by its etag. */
export function blobPath(layout: CacheLayout, file: Pick<HubFile, 'etag'>): string {
  return join(layout.blobs, file.etag);
}

/** A blob of ours that is not complete or not yet verified. */
export function partialPath(layout: CacheLayout, file: Pick<HubFile, 'etag'>): string {
  return `${blobPath(layout, file)}${PARTIAL_ENDING}`;
}

/** What is known to be on disk of a partial blob. */
export function journalPath(layout: CacheLayout, file: Pick<HubFile, 'etag'>): string {
  return `${blobPath(layout, file)}${JOURNAL_ENDING}`;
}

/** A fetched file whose hash was wrong, set aside. */
export function mismatchPath(layout: CacheLayout, file: Pick<HubFile, 'etag'>): string {
  return `${blobPath(layout, file)}${MISMATCH_ENDING}`;
}

/** The etag when the name is a leftover of ours in `blobs/`, else null. */
export function leftoverEtag(name: string): string | null {
  for (const ending of [PARTIAL_ENDING, JOURNAL_ENDING, MISMATCH_ENDING]) {
    if (name.endsWith(ending)) return name.slice(0, -ending.length);
  }
  return null;
}

/** Content of the link at `snapshots/<commit>/<path>`: the way back to its blob, relative so that mounts may differ. */
export function linkTarget(path: string, etag: string): string {
  return `${'../'.repeat(path.split('/').length + 1)}blobs/${etag}`;
}
