import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

/** Where Linux tells which boot this is. */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** The identity of this boot; null where the kernel tells none. Never rejects. */
export async function readBootId(path: string = BOOT_ID_FILE): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim() || null;
  } catch {
    return null;
  }
}

/** Seconds since this boot, by a clock that nobody sets. */
export function bootSeconds(): number {
  return uptime();
}
