import type { Finding } from '../status/problem.ts';

/** Kept free on the file system of the images, so that the host stays usable: 5 GiB. */
export const DISK_RESERVE_BYTES = 5 * 1024 ** 3;

/** A pull that runs or is about to. Bytes are of the unpacked image. */
export interface PullNeed {
  requiredBytes: number;
  /** Share of it that has arrived, 0 to 1. */
  doneShare: number;
}

/** What {@link checkDisk} weighs, in bytes. */
export interface DiskNeeds {
  /** Where the engine keeps its images. */
  directory: string;
  freeBytes: number;
  /** Of the image, unpacked. */
  requiredBytes: number;
  running: readonly PullNeed[];
  /** What others than pulls are still writing to the same file system: the rest of a model. */
  claimedBytes?: number;
  reserveBytes?: number;
}

/**
 * Whether an image still fits on the file system beside the pulls that run, what others have begun to write there, and the
 * reserve. Null when it does; else `disk_too_small` with what there is and what is needed.
 */
export function checkDisk(needs: DiskNeeds): Finding | null {
  const { directory, freeBytes, requiredBytes, claimedBytes = 0, reserveBytes = DISK_RESERVE_BYTES } = needs;
  const promised = needs.running.reduce((sum, need) => sum + need.requiredBytes * (1 - need.doneShare), 0);
  const neededBytes = requiredBytes + promised + claimedBytes + reserveBytes;
  if (freeBytes >= neededBytes) return null;
  const others =
    (promised > 0 ? `, ${gigabytes(promised)} for other pulls that run` : '') +
    (claimedBytes > 0 ? `, ${gigabytes(claimedBytes)} for the model that is being downloaded` : '');
  return {
    code: 'disk_too_small',
    detail:
      `${directory} has ${gigabytes(freeBytes)} free and needs ${gigabytes(neededBytes)}: ` +
      `${gigabytes(requiredBytes)} for the image${others}, ${gigabytes(reserveBytes)} in reserve`,
  };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
