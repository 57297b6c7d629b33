import { statfs } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import { fileSystemOf } from '../lib/file-system.ts';
import type { DiskView } from '../status/schema.ts';

/** A network file system may never answer; then its disk is left out this time. */
const DEADLINE_MS = 2000;

/**
 * Space on the file systems under `paths`, in their order, each file system once and under the first path on it. For a path
 * that is not there yet the closest directory above it counts, because there it would be made. Never rejects.
 */
export async function readDisks(paths: readonly string[], clock: Clock): Promise<DiskView[]> {
  const found = await Promise.all(
    paths.map((path) => withDeadline(clock, path, DEADLINE_MS, () => readDisk(path)).catch(() => null)),
  );
  const disks = new Map<number, DiskView>();
  for (const disk of found) {
    if (disk !== null && !disks.has(disk.device)) disks.set(disk.device, disk.view);
  }
  return [...disks.values()];
}

async function readDisk(path: string): Promise<{ device: number; view: DiskView }> {
  const { existing, device } = await fileSystemOf(path);
  const space = await statfs(existing);
  return {
    device,
    view: {
      path,
      bytes_total: space.blocks * space.bsize,
      // What is left for ordinary users: the reserve of root is not for models.
      bytes_free: space.bavail * space.bsize,
    },
  };
}
