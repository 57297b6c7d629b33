import type { Clock } from '../../lib/clock.ts';
import { formatBytes } from '../../lib/human.ts';
import type { Log } from '../../lib/log.ts';
import { hasBlob, linkIntoSnapshot, prepareCache, sweepLeftovers, writeRef } from '../cache.ts';
import type { CacheLayout } from '../cache-layout.ts';
import type { Hub } from '../hub.ts';
import { type HubFile, ModelError, type ResolvedModel } from '../types.ts';
import { downloadFile } from './file-download.ts';
import type { DownloadMeter } from './meter.ts';
import { resumableBytes } from './partial-file.ts';

/** Files fetched at the same time, one connection each. */
const CONNECTIONS = 4;
/** Space that is left free on the model's file system, in bytes. */
export const DISK_RESERVE_BYTES = 5 * 1024 ** 3;

/** What a download of a model needs. */
export interface ModelDownload {
  hub: Pick<Hub, 'openFile'>;
  clock: Clock;
  log: Log;
  /** Bytes that may still be written to the file system of a path. */
  freeBytes(path: string): Promise<number>;
  reserveBytes: number;
  silenceLimitMs: number;
  meter: DownloadMeter;
  /** Called once, when the checks are over and bytes begin to come. */
  onStart(): void;
  /** Called whenever bytes came over the network. */
  onReceived(): void;
}

/**
 * Brings every file of a resolved model into the cache and then makes the snapshot visible: blobs, links, ref.
 * What is there already is not fetched again. Throws `disk_too_small` before the first byte, or the first file's error.
 */
export async function downloadModel(
  parts: ModelDownload,
  model: ResolvedModel,
  layout: CacheLayout,
  signal: AbortSignal,
): Promise<void> {
  await prepareCache(layout, model.commit);
  await sweepLeftovers(layout, model.files);
  const missing: HubFile[] = [];
  for (const file of uniqueBlobs(model.files)) {
    if (await hasBlob(layout, file)) parts.meter.verified(file.etag);
    else missing.push(file);
  }
  await checkSpace(parts, model, layout);
  parts.onStart();
  await inParallel(missing, CONNECTIONS, signal, async (file, inner) => {
    await downloadFile(
      {
        hub: parts.hub,
        clock: parts.clock,
        log: parts.log,
        model,
        file,
        layout,
        silenceLimitMs: parts.silenceLimitMs,
        onBytes: (present, received) => {
          parts.meter.present(file.etag, present, received);
          if (received > 0) parts.onReceived();
        },
      },
      inner,
    );
    parts.meter.verified(file.etag);
    parts.log.info('model file fetched and verified', { file: file.path, bytes: file.sizeBytes });
  });
  for (const file of model.files) await linkIntoSnapshot(layout, model.commit, file);
  await writeRef(layout, model.commit);
}

/** Bytes of a model that still have to be fetched. */
async function bytesToFetch(model: ResolvedModel, layout: CacheLayout): Promise<number> {
  let bytes = 0;
  for (const file of uniqueBlobs(model.files)) {
    if (await hasBlob(layout, file)) continue;
    bytes += file.sizeBytes - (await resumableBytes(layout, file));
  }
  return bytes;
}

/** Throws `disk_too_small` with what is free and what is needed, when the rest of the model does not fit. */
async function checkSpace(
  parts: Pick<ModelDownload, 'freeBytes' | 'reserveBytes'>,
  model: ResolvedModel,
  layout: CacheLayout,
): Promise<void> {
  const missing = await bytesToFetch(model, layout);
  if (missing === 0) return;
  const free = await parts.freeBytes(layout.directory);
  const need = missing + parts.reserveBytes;
  if (free >= need) return;
  throw new ModelError({
    code: 'disk_too_small',
    detail: `${layout.directory}: have ${formatBytes(free)} free, need ${formatBytes(need)} (${formatBytes(missing)} of the model and ${formatBytes(parts.reserveBytes)} in reserve)`,
    remedy: `Free ${formatBytes(need - free)} on the disk of ${layout.directory}, or use a larger one; it goes on by itself.`,
  });
}

/** One file per blob, the largest first. */
function uniqueBlobs(files: readonly HubFile[]): HubFile[] {
  const byEtag = new Map(files.map((file) => [file.etag, file]));
  return [...byEtag.values()].sort((a, b) => b.sizeBytes - a.sizeBytes);
}

/** Works on at most `limit` items at a time; the first error stops the others and is thrown when all have ended. */
async function inParallel<T>(
  items: readonly T[],
  limit: number,
  outer: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([outer, stop.signal]);
  const queue = [...items];
  let failure: { error: unknown } | null = null;
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && !signal.aborted; item = queue.shift()) {
      try {
        await work(item, signal);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  outer.throwIfAborted();
  if (failure !== null) throw (failure as { error: unknown }).error;
}
