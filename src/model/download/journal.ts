import { readFile, rm } from 'node:fs/promises';
import { writeDurably } from '../../lib/durable-file.ts';
import type { HubFile } from '../types.ts';

/** Form of the journal; a journal of another form counts as none. */
const JOURNAL_VERSION = 1;

/** What is known to be on disk of a partial file: its first `syncedBytes` bytes survive a power cut. */
interface Journal {
  version: typeof JOURNAL_VERSION;
  etag: string;
  sizeBytes: number;
  syncedBytes: number;
}

/** The bytes that may be kept of a partial file, by what its journal says and the size it has; 0 for any doubt. */
export function keptBytes(text: string, file: Pick<HubFile, 'etag' | 'sizeBytes'>, onDisk: number): number {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 0;
  }
  if (typeof parsed !== 'object' || parsed === null) return 0;
  const journal = parsed as Partial<Record<keyof Journal, unknown>>;
  const { syncedBytes } = journal;
  if (journal.version !== JOURNAL_VERSION || journal.etag !== file.etag) return 0;
  if (journal.sizeBytes !== file.sizeBytes) return 0;
  if (typeof syncedBytes !== 'number' || !Number.isSafeInteger(syncedBytes) || syncedBytes < 0) return 0;
  return syncedBytes <= onDisk && syncedBytes <= file.sizeBytes ? syncedBytes : 0;
}

/** Reads a journal's text; empty when there is none. */
export async function readJournal(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Claims the first `syncedBytes` bytes. Call it only after they were synced. */
export async function writeJournal(
  path: string,
  file: Pick<HubFile, 'etag' | 'sizeBytes'>,
  syncedBytes: number,
): Promise<void> {
  const journal: Journal = {
    version: JOURNAL_VERSION,
    etag: file.etag,
    sizeBytes: file.sizeBytes,
    syncedBytes,
  };
  await writeDurably(path, JSON.stringify(journal));
}

/** Forgets what was claimed. */
export async function removeJournal(path: string): Promise<void> {
  await rm(path, { force: true });
}
