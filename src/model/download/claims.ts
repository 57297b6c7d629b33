import { BATCH_BYTES } from './part-fetch.ts';
import { SMALLEST_PART_BYTES } from './plan.ts';

/** Unclaimed bytes are synced and claimed from this on, beside the download. */
const CLAIM_FROM_BYTES = SMALLEST_PART_BYTES;
/** What a connection has in hand beside them: a batch that it gathers, one that it writes, and one that it has just written. */
const IN_HAND_BYTES = 3 * BATCH_BYTES;

/** What is watched of a partial file. */
interface Claimable {
  readonly unclaimedBytes: number;
  claim(): Promise<void>;
}

/** Claims what is written, one file at a time: two syncs at once only make each other slower. */
export interface Claims {
  /**
   * Told after each write. A promise, when so much is unclaimed that the connection has to wait for the disk: a crash
   * must cost no more than one part for each connection. It rejects with the system's error of a failed sync.
   */
  written(connections: number): Promise<void> | undefined;
  /** Claims what there is, beside the download: on a slow line that is little, but took as long to come. */
  now(): void;
}

/** Watches some files; `files` gives those that are open now. */
export function createClaims(files: () => readonly Claimable[]): Claims {
  let claiming: Promise<void> | null = null;
  const unclaimed = () => files().reduce((sum, file) => sum + file.unclaimedBytes, 0);

  const claimMost = async (): Promise<void> => {
    const [most] = [...files()].sort((a, b) => b.unclaimedBytes - a.unclaimedBytes);
    await most?.claim();
  };
  const claimBeside = (): Promise<void> => {
    claiming ??= claimMost().finally(() => {
      claiming = null;
    });
    claiming.catch(() => undefined);
    return claiming;
  };
  const untilBelow = async (limitBytes: number): Promise<void> => {
    while (unclaimed() >= limitBytes) await claimBeside();
  };

  return {
    now() {
      if (unclaimed() > 0) claimBeside();
    },
    written(connections) {
      const bytes = unclaimed();
      if (bytes < CLAIM_FROM_BYTES) return undefined;
      const claim = claimBeside();
      const limitBytes = connections * (SMALLEST_PART_BYTES - IN_HAND_BYTES);
      return bytes < limitBytes ? undefined : claim.then(() => untilBelow(limitBytes));
    },
  };
}
