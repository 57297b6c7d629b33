import { rename, rm } from 'node:fs/promises';
import { syncDirectory } from '../../lib/durable-file.ts';
import { errorCode } from '../../lib/errors.ts';
import { notWritable } from '../cache.ts';
import { blobPath, type CacheLayout, journalPath, mismatchPath, partialPath } from '../cache-layout.ts';
import type { HubFile } from '../types.ts';
import type { FollowedHash, Hasher } from './hasher.ts';
import { openPartDisk } from './part-disk.ts';
import { createPartialFile, type PartialFile } from './partial-file.ts';

/** A partial file with the hash that follows it. */
export interface OpenFile {
  partial: PartialFile;
  hash: FollowedHash;
}

/** Where files are built. Every call throws the named problem of a disk that does not take them. */
export interface FileStore {
  /** Opens the partial file of a blob where it was left. */
  open(file: HubFile): Promise<OpenFile>;
  /** Gives a verified blob its name, durably. */
  keep(file: HubFile): Promise<void>;
  /** Puts a file with wrong content out of the way. */
  setAside(file: HubFile): Promise<void>;
  /** Removes what was fetched of a file. */
  discard(file: HubFile): Promise<void>;
}

/** The blobs of a model in a hub cache. */
export function createFileStore(layout: CacheLayout, hasher: Hasher): FileStore {
  return {
    open: (file) =>
      onDisk(partialPath(layout, file), async () => {
        const { disk, claims } = await openPartDisk(layout, file);
        return {
          partial: createPartialFile(disk, claims),
          hash: hasher.follow(partialPath(layout, file), file),
        };
      }),
    keep: (file) =>
      onDisk(blobPath(layout, file), async () => {
        await rename(partialPath(layout, file), blobPath(layout, file));
        await syncDirectory(layout.blobs);
        await rm(journalPath(layout, file), { force: true });
        await rm(mismatchPath(layout, file), { force: true });
      }),
    setAside: (file) =>
      onDisk(mismatchPath(layout, file), async () => {
        await rm(journalPath(layout, file), { force: true });
        await rename(partialPath(layout, file), mismatchPath(layout, file));
      }),
    discard: (file) =>
      onDisk(partialPath(layout, file), async () => {
        await rm(journalPath(layout, file), { force: true });
        await rm(partialPath(layout, file), { force: true });
      }),
  };
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw errorCode(error) === null ? error : notWritable(path, error);
  }
}
