import { claimLines } from './journal.ts';
import type { PartDisk } from './part-disk.ts';
import { addRange, countBytes, type RangeSet } from './ranges.ts';

/** A file that grows in any order, with a journal that never claims unsynced bytes. */
export interface PartialFile {
  /** Bytes that are in the file: claimed by the journal when it was opened, or written since. */
  readonly present: RangeSet;
  /** Bytes that were written and are not claimed, those being synced among them; after a crash they are fetched again. */
  readonly unclaimedBytes: number;
  /** Writes at a position. Rejects with the system's error. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Syncs what was written until now, and then claims it. Rejects with the system's error; then nothing is claimed. */
  claim(): Promise<void>;
  /** Claims what it can and closes the file. Never rejects. */
  close(): Promise<void>;
}

/** A partial file on a disk, where the journal claims some bytes already. */
export function createPartialFile(disk: PartDisk, claimed: RangeSet): PartialFile {
  let present = claimed;
  let unclaimed: RangeSet = [];
  let syncing: RangeSet = [];
  let claiming: Promise<void> = Promise.resolve();

  const claimNow = async (): Promise<void> => {
    const written = unclaimed;
    if (written.length === 0) return;
    // What comes from here on is not covered by this sync.
    unclaimed = [];
    syncing = written;
    try {
      await disk.sync();
      await disk.appendJournal(claimLines(written));
    } catch (error) {
      unclaimed = written.reduce(addRange, unclaimed);
      throw error;
    } finally {
      syncing = [];
    }
  };

  return {
    get present() {
      return present;
    },
    get unclaimedBytes() {
      return countBytes(unclaimed) + countBytes(syncing);
    },
    async write(buffers, position) {
      await disk.write(buffers, position);
      const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      const range = { from: position, to: position + length };
      present = addRange(present, range);
      unclaimed = addRange(unclaimed, range);
    },
    claim() {
      claiming = claiming.catch(() => undefined).then(claimNow);
      return claiming;
    },
    async close() {
      // A full or failing disk: what was claimed before stays true, the rest is fetched again.
      await this.claim().catch(() => undefined);
      await disk.close().catch(() => undefined);
    },
  };
}
