import type { Finding } from '../status/problem.ts';

/** Kept free on the file system of the images, so that the host stays usable: 5 GiB. */
export const DISK_RESERVE_BYTES = 5 * 1024 ** 3;

/** A pull that runs or is about to. Bytes are of the unpacked image. */
export interface PullNeed {
  requiredBytes: number;
  /** Share of it that has arrived, 0 to 1. */
  doneShare: number;
}

/**
 * Whether an image still fits on the file system beside the pulls that run and the reserve. Null when it does;
 * else `disk_too_small` with what there is and what is needed.
 */
export function checkDisk(
  directory: string,
  freeBytes: number,
  requiredBytes: number,
  running: readonly PullNeed[],
  reserveBytes: number = DISK_RESERVE_BYTES,
): Finding | null {
  const promised = running.reduce((sum, need) => sum + need.requiredBytes * (1 - need.doneShare), 0);
  const neededBytes = requiredBytes + promised + reserveBytes;
  if (freeBytes >= neededBytes) return null;
  const others = promised > 0 ? `, ${gigabytes(promised)} for other pulls that run` : '';
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
