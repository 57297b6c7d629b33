import { constants } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { writeDurably } from '../../lib/durable-file.ts';
import { type CacheLayout, journalPath, partialPath } from '../cache-layout.ts';
import type { HubFile } from '../types.ts';
import { journalText, readClaims } from './journal.ts';
import type { RangeSet } from './ranges.ts';

/** Unit of `st_blocks`, whatever the file system (stat(2)). */
const STAT_BLOCK_BYTES = 512;

/** What a partial file needs of a disk; every call rejects with the system's error. */
export interface PartDisk {
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Everything whose write had ended before this call survives a power cut when it resolves. */
  sync(): Promise<void>;
  /** Appends to the journal; the text may be lost in a power cut, but is never there before what was synced. */
  appendJournal(text: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the partial file of a blob in its full length, new or as it was left, with what its journal claims. The file
 * is sparse: space is taken as bytes come, so that a full disk is found by the write that fills it. A link in its
 * place is refused (ELOOP).
 */
export async function openPartDisk(
  layout: CacheLayout,
  file: HubFile,
): Promise<{ disk: PartDisk; claims: RangeSet }> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await open(partialPath(layout, file), flags, 0o644);
  try {
    const claims = (await handle.stat()).size === file.sizeBytes ? await storedClaims(layout, file) : [];
    // Written anew each time: what stands behind a torn line would be read as its end.
    await writeDurably(journalPath(layout, file), journalText(file, claims));
    if (claims.length === 0) await handle.truncate(0);
    await handle.truncate(file.sizeBytes);
    const journal = await open(journalPath(layout, file), constants.O_WRONLY | constants.O_APPEND);
    return { disk: diskOf(handle, journal), claims };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Bytes that a blob still takes of the disk: its size less what its partial file has taken already. */
export async function bytesToAllocate(layout: CacheLayout, file: HubFile): Promise<number> {
  const found = await stat(partialPath(layout, file)).catch(() => null);
  return Math.max(0, file.sizeBytes - (found?.blocks ?? 0) * STAT_BLOCK_BYTES);
}

async function storedClaims(layout: CacheLayout, file: HubFile): Promise<RangeSet> {
  return readClaims(await readFile(journalPath(layout, file), 'utf8').catch(() => ''), file);
}

function diskOf(handle: FileHandle, journal: FileHandle): PartDisk {
  return {
    async write(buffers, position) {
      let rest = [...buffers];
      let at = position;
      while (rest.length > 0) {
        const { bytesWritten } = await handle.writev(rest, at);
        at += bytesWritten;
        rest = withoutFirst(rest, bytesWritten);
      }
    },
    sync: () => handle.datasync(),
    appendJournal: (text) => journal.appendFile(text),
    async close() {
      await journal.close();
      await handle.close();
    },
  };
}

/** What is left of some buffers after their first `bytes` bytes; writev may write less than it was given. */
function withoutFirst(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = bytes;
  for (const buffer of buffers) {
    if (skip < buffer.length) rest.push(buffer.subarray(skip));
    skip = Math.max(0, skip - buffer.length);
  }
  return rest;
}
