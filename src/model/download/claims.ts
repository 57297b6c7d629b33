import { SMALLEST_PART_BYTES } from './plan.ts';

/** Unclaimed bytes are synced and claimed from this on, beside the download. */
const CLAIM_FROM_BYTES = 16 * 1024 * 1024;

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
    written(connections) {
      const bytes = unclaimed();
      if (bytes < CLAIM_FROM_BYTES) return undefined;
      const claim = claimBeside();
      const limitBytes = connections * SMALLEST_PART_BYTES;
      return bytes < limitBytes ? undefined : claim.then(() => untilBelow(limitBytes));
    },
  };
}
