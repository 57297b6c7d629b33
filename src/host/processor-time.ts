import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const NANOSECONDS_PER_MS = 1e6;
const MICROSECONDS_PER_MS = 1e3;

/** Where Docker puts the control group of a container: its systemd driver, and its cgroupfs driver. */
const PLACES = (id: string): readonly string[] => [`system.slice/docker-${id}.scope`, `docker/${id}`];

/**
 * Processor time that the processes of a container have used so far, in milliseconds; null where its control group is not found
 * (another parent group, an engine on another machine, an ended container). Read from the kernel: the engine does not tell it on
 * every system, and the processes themselves are hidden from a service with few rights.
 */
export async function processorTimeMs(
  containerId: string,
  root: string = '/sys/fs/cgroup',
): Promise<number | null> {
  for (const place of PLACES(containerId)) {
    const text = await read(join(root, place, 'cpu.stat'));
    const usage = /^usage_usec (\d+)$/m.exec(text)?.[1];
    if (usage !== undefined) return Number(usage) / MICROSECONDS_PER_MS;
    const older = (await read(join(root, 'cpuacct', place, 'cpuacct.usage'))).trim();
    if (/^\d+$/.test(older)) return Number(older) / NANOSECONDS_PER_MS;
  }
  return null;
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
