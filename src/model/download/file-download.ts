import { rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import { syncDirectory } from '../../lib/durable-file.ts';
import { errorCode, errorMessage } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { notWritable } from '../cache.ts';
import { blobPath, type CacheLayout, journalPath, mismatchPath, partialPath } from '../cache-layout.ts';
import type { Hub } from '../hub.ts';
import { findingClass } from '../machine.ts';
import { type HubFile, ModelError, type ResolvedModel } from '../types.ts';
import { removeJournal } from './journal.ts';
import { openPartialFile, type PartialFile } from './partial-file.ts';
import { SilenceError, watchSilence } from './silence.ts';

/** A connection on which no byte comes for so long is replaced. */
export const SILENCE_LIMIT_MS = 30_000;
/** So many connections in a row without a single byte are a hub that does not answer. */
const SILENT_CONNECTIONS = 3;
/** A connection that broke after fewer bytes than this brought nothing; the next one waits for the keeper's pause. */
const WORTHWHILE_BYTES = 64 * 1024;

/** What a download of one file needs. */
export interface FileDownload {
  hub: Pick<Hub, 'openFile'>;
  clock: Clock;
  log: Log;
  model: ResolvedModel;
  file: HubFile;
  layout: CacheLayout;
  silenceLimitMs: number;
  /** Told after each chunk: bytes of this file that are there, and how many of them just came over the network. */
  onBytes(present: number, received: number): void;
}

/**
 * Fetches one file into its blob: resumes where it was left, replaces silent and broken connections, checks the hash,
 * and only then gives the blob its name. A wrong hash sets the file aside and fetches it once more.
 * Throws a {@link ModelError} (`model_checksum_mismatch` with both hashes, `disk_full`, the hub's), or the signal's reason.
 */
export async function downloadFile(parts: FileDownload, signal: AbortSignal): Promise<void> {
  const { file, layout, log } = parts;
  const aside = mismatchPath(layout, file);
  for (let attempt = 1; ; attempt += 1) {
    const hex = await fetchOnce(parts, signal);
    if (hex === file.hash.hex) {
      await onDisk(blobPath(layout, file), async () => {
        await rename(partialPath(layout, file), blobPath(layout, file));
        await syncDirectory(layout.blobs);
        await removeJournal(journalPath(layout, file));
        await rm(aside, { force: true });
      });
      return;
    }
    await onDisk(aside, async () => {
      await removeJournal(journalPath(layout, file));
      await rename(partialPath(layout, file), aside);
    });
    parts.onBytes(0, 0);
    const detail = `${file.path}: ${file.hash.algorithm} is ${hex}, the hub announces ${file.hash.hex}`;
    if (attempt > 1) throw new ModelError({ code: 'model_checksum_mismatch', detail });
    log.warn('a file arrived damaged and is fetched once more', { detail });
  }
}

async function fetchOnce(parts: FileDownload, signal: AbortSignal): Promise<string> {
  const path = partialPath(parts.layout, parts.file);
  const partial = await onDisk(path, () => openPartialFile(parts.layout, parts.file, signal));
  try {
    parts.onBytes(partial.position, 0);
    await fetchRest(parts, partial, signal);
    return await onDisk(path, () => partial.finish());
  } finally {
    await partial.close();
  }
}

async function fetchRest(parts: FileDownload, partial: PartialFile, signal: AbortSignal): Promise<void> {
  const { file, log } = parts;
  let silent = 0;
  while (partial.position < file.sizeBytes) {
    signal.throwIfAborted();
    const before = partial.position;
    try {
      await fetchStream(parts, partial, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ModelError && findingClass(error.finding) !== 'transient') throw error;
      const moved = partial.position - before;
      silent = error instanceof SilenceError && moved === 0 ? silent + 1 : 0;
      const worthAnother =
        error instanceof SilenceError ? silent < SILENT_CONNECTIONS : moved >= WORTHWHILE_BYTES;
      if (!worthAnother) {
        if (error instanceof ModelError) throw error;
        throw new ModelError({ code: 'hub_unreachable', detail: `${file.path}: ${errorMessage(error)}` });
      }
      log.warn('a connection was lost and is replaced', {
        file: file.path,
        at_byte: partial.position,
        cause: errorMessage(error),
      });
    }
  }
}

/** One connection: from the file's position to its end, or to the error that ends it. */
async function fetchStream(parts: FileDownload, partial: PartialFile, outer: AbortSignal): Promise<void> {
  const { clock, file } = parts;
  const connection = new AbortController();
  const signal = AbortSignal.any([outer, connection.signal]);
  const from = partial.position;
  const opened = await parts.hub.openFile(parts.model, file, from, signal);
  const watch = watchSilence(clock, parts.silenceLimitMs, (error) => connection.abort(error));
  // Bytes that are there already and come again because the other side ignores ranges.
  let skip = from - opened.startByte;
  try {
    for await (const chunk of opened.body as AsyncIterable<Uint8Array>) {
      watch.working();
      const fresh = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - fresh.length;
      if (partial.position + fresh.length > file.sizeBytes) {
        throw new ModelError({
          code: 'hub_answer_invalid',
          detail: `${file.path} is longer than the ${file.sizeBytes} bytes that the hub announces`,
        });
      }
      if (fresh.length > 0) {
        await onDisk(partialPath(parts.layout, file), () => partial.append(fresh));
        parts.onBytes(partial.position, fresh.length);
      }
      watch.waiting();
    }
    if (partial.position < file.sizeBytes)
      throw new Error(`the answer ended at ${partial.position} of ${file.sizeBytes} bytes`);
  } catch (error) {
    throw connection.signal.aborted ? connection.signal.reason : error;
  } finally {
    watch.stop();
    release(opened.body);
  }
}

/** Ends a body that was not read to its end; its late error has nobody left to tell. */
function release(body: Readable): void {
  body.on('error', () => undefined);
  body.destroy();
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw errorCode(error) === null ? error : notWritable(path, error);
  }
}
