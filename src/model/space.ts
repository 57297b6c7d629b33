import { fileSystemOf } from '../lib/file-system.ts';
import { formatBytes } from '../lib/human.ts';
import type { Finding } from '../status/problem.ts';
import type { SpaceClaim } from './surroundings.ts';

/** What {@link checkSpace} asks of the machine. */
export interface SpaceParts {
  /** Bytes that may still be written to the file system of a directory that is there. */
  freeBytes(directory: string): Promise<number>;
  /** Kept free on every file system. */
  reserveBytes: number;
  /** What else is still to come; only what goes to the same file system counts. */
  claims: readonly SpaceClaim[];
}

/**
 * `disk_too_small`, with what is free and what is needed, when the rest of a model does not fit on its file system beside
 * everything else that is to come there and the reserve; null when it does, or nothing is left to write.
 */
export async function checkSpace(
  parts: SpaceParts,
  directory: string,
  modelBytes: number,
): Promise<Finding | null> {
  if (modelBytes === 0) return null;
  const place = await fileSystemOf(directory);
  const claims: SpaceClaim[] = [];
  for (const claim of parts.claims) {
    const other = await fileSystemOf(claim.directory).catch(() => null);
    if (other?.device === place.device && claim.bytes > 0) claims.push(claim);
  }
  const claimed = claims.reduce((sum, claim) => sum + claim.bytes, 0);
  const free = await parts.freeBytes(place.existing);
  const need = modelBytes + claimed + parts.reserveBytes;
  if (free >= need) return null;
  const others = claims.map((claim) => `, ${formatBytes(claim.bytes)} of ${claim.what}`).join('');
  return {
    code: 'disk_too_small',
    detail:
      `${directory}: have ${formatBytes(free)} free, need ${formatBytes(need)} ` +
      `(${formatBytes(modelBytes)} of the model${others} and ${formatBytes(parts.reserveBytes)} in reserve)`,
    remedy: `Free ${formatBytes(need - free)} on the disk of ${directory}, or use a larger one; it goes on by itself.`,
  };
}
