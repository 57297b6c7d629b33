import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { hasBlob, linkIntoSnapshot, prepareCache, writeRef } from '../cache.ts';
import type { CacheLayout } from '../cache-layout.ts';
import type { HubFile, ResolvedModel } from '../types.ts';
import { createFileStore } from './file-store.ts';
import type { Transfer } from './flow.ts';
import { createHasher } from './hasher.ts';
import { createLimiter } from './limiter.ts';
import type { DownloadMeter } from './meter.ts';
import { bytesToAllocate } from './part-disk.ts';
import { transferFiles } from './transfer.ts';

/** Files below this are fetched first: they cost round trips rather than bytes, and what is wrong shows early. */
const SMALL_FILE_BYTES = 8 * 1024 * 1024;
/** A connection on which no byte comes for so long is replaced. */
export const SILENCE_LIMIT_MS = 30_000;
/** Space that is left free on the model's file system, in bytes. */
export const DISK_RESERVE_BYTES = 5 * 1024 ** 3;

/** What a download is told, and whom it tells. */
export interface DownloadJob {
  log: Log;
  silenceLimitMs: number;
  /** All connections together are held to this; null: no limit. */
  bytesPerSecond: number | null;
  meter: Pick<DownloadMeter, 'present' | 'verified'>;
  /** Called once, when the checks are over and bytes begin to come. */
  onStart(): void;
  /** Called whenever bytes came over the network. */
  onReceived(): void;
}

/**
 * Brings every file of a resolved model into the cache and then makes the snapshot visible: blobs, links, ref.
 * What is there already is not fetched again. Rejects with the first file's error, or with the signal's reason, after
 * everything that came has been claimed; whether there is space is the caller's question.
 */
export type Download = (
  job: DownloadJob,
  model: ResolvedModel,
  layout: CacheLayout,
  signal: AbortSignal,
) => Promise<void>;

/** Downloads in the thread that calls. */
export function createDownload(hub: Transfer['hub'], clock: Clock): Download {
  return async (job, model, layout, signal) => {
    await prepareCache(layout, model.commit);
    const missing: HubFile[] = [];
    for (const file of uniqueBlobs(model.files)) {
      if (await hasBlob(layout, file)) job.meter.verified(file.etag);
      else missing.push(file);
    }
    job.onStart();
    const hasher = createHasher();
    try {
      await transferFiles(
        {
          hub,
          store: createFileStore(layout, hasher),
          clock,
          log: job.log,
          limiter: createLimiter(clock, job.bytesPerSecond),
          silenceLimitMs: job.silenceLimitMs,
          model,
          onBytes: (file, present, received) => {
            job.meter.present(file.etag, present, received);
            if (received > 0) job.onReceived();
          },
          onVerified: (file) => {
            job.meter.verified(file.etag);
            job.log.info('model file fetched and verified', { file: file.path, bytes: file.sizeBytes });
          },
        },
        missing,
        signal,
      );
    } finally {
      await hasher.close();
    }
    for (const file of model.files) await linkIntoSnapshot(layout, model.commit, file);
    await writeRef(layout, model.commit, model.revision);
  };
}

/** Bytes of a model that its file system still has to take; what partial files hold already is not among them. */
export async function bytesToFetch(model: ResolvedModel, layout: CacheLayout): Promise<number> {
  let bytes = 0;
  for (const file of uniqueBlobs(model.files)) {
    if (await hasBlob(layout, file)) continue;
    bytes += await bytesToAllocate(layout, file);
  }
  return bytes;
}

/** One file per blob: the small ones, then the largest first. */
function uniqueBlobs(files: readonly HubFile[]): HubFile[] {
  const blobs = [...new Map(files.map((file) => [file.etag, file])).values()];
  blobs.sort((a, b) => b.sizeBytes - a.sizeBytes);
  const small = (file: HubFile) => file.sizeBytes < SMALL_FILE_BYTES;
  return [...blobs.filter(small), ...blobs.filter((file) => !small(file))];
}
