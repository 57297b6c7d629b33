import type { Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type CacheLayout, journalPath, partialPath } from '../cache-layout.ts';
import { startHash } from '../file-hash.ts';
import type { HubFile } from '../types.ts';
import { keptBytes, readJournal, removeJournal, writeJournal } from './journal.ts';

/** Chunks are gathered to this size before they are written. */
const BATCH_BYTES = 1024 * 1024;
/** After so many unclaimed bytes the file is synced and the journal written, beside the download. */
const SYNC_EVERY_BYTES = 8 * 1024 * 1024;
/** With so many unclaimed bytes the download waits for the disk: a crash costs less than one part of 16 MiB. */
const MAXIMUM_UNCLAIMED_BYTES = 12 * 1024 * 1024;

/** A file that grows from its start, with its hash, and with a journal that never claims unsynced bytes. */
export interface PartialFile {
  /** Bytes taken so far; the next ones belong there. */
  readonly position: number;
  /** Takes the next bytes; waits while too much is unclaimed. Rejects with the system's error. */
  append(chunk: Uint8Array): Promise<void>;
  /** Makes everything durable and returns the hash in hex. Nothing may be appended afterwards. */
  finish(): Promise<string>;
  /** Writes and claims what was taken, as far as the disk lets it, and closes the file. Never rejects. */
  close(): Promise<void>;
}

/**
 * Opens the partial file of a blob, new or where it was left: what the journal does not claim is cut off, what it
 * claims is read again for the hash. A link in its place is refused (ELOOP).
 */
export async function openPartialFile(
  layout: CacheLayout,
  file: HubFile,
  signal: AbortSignal,
): Promise<PartialFile> {
  const journal = journalPath(layout, file);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await open(partialPath(layout, file), flags, 0o644);
  try {
    const kept = keptBytes(await readJournal(journal), file, (await handle.stat()).size);
    if (kept === 0) await removeJournal(journal);
    await handle.truncate(kept);
    const hash = startHash(file);
    await hashPrefix(handle, kept, hash, signal);
    return growingFile(handle, journal, file, hash, kept);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Bytes of a blob that need not be fetched again. */
export async function resumableBytes(layout: CacheLayout, file: HubFile): Promise<number> {
  const found = await stat(partialPath(layout, file)).catch(() => null);
  return found === null ? 0 : keptBytes(await readJournal(journalPath(layout, file)), file, found.size);
}

function growingFile(
  handle: FileHandle,
  journal: string,
  file: HubFile,
  hash: Hash,
  kept: number,
): PartialFile {
  let written = kept;
  let claimed = kept;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let claiming: Promise<void> | null = null;
  let claimFailure: unknown = null;

  const flush = async () => {
    if (batchBytes === 0) return;
    const bytes = Buffer.concat(batch);
    batch = [];
    batchBytes = 0;
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, written + at);
      at += bytesWritten;
    }
    hash.update(bytes);
    written += bytes.length;
  };
  const claim = async () => {
    const upTo = written;
    await handle.datasync();
    await writeJournal(journal, file, upTo);
    claimed = upTo;
  };
  const claimBeside = () => {
    claiming ??= claim()
      .catch((error: unknown) => {
        claimFailure = error;
      })
      .finally(() => {
        claiming = null;
      });
  };

  return {
    get position() {
      return written + batchBytes;
    },
    async append(chunk) {
      batch.push(chunk);
      batchBytes += chunk.length;
      if (batchBytes < BATCH_BYTES) return;
      await flush();
      if (written - claimed >= SYNC_EVERY_BYTES) claimBeside();
      if (written - claimed >= MAXIMUM_UNCLAIMED_BYTES) await claiming;
      if (claimFailure !== null) throw claimFailure;
    },
    async finish() {
      await flush();
      await claiming;
      await handle.sync();
      return hash.digest('hex');
    },
    async close() {
      try {
        await flush();
        await claiming;
        if (written > claimed) await claim();
      } catch {
        // A full or failing disk: what was claimed before stays true, the rest is fetched again.
      } finally {
        await handle.close().catch(() => undefined);
      }
    },
  };
}

async function hashPrefix(handle: FileHandle, length: number, hash: Hash, signal: AbortSignal) {
  const buffer = Buffer.alloc(Math.min(BATCH_BYTES, length));
  for (let at = 0; at < length; ) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - at), at);
    if (bytesRead === 0) throw new Error('the partial file ended before its claimed length');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
