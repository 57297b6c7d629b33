import { readFile } from 'node:fs/promises';

const KIB_PER_MIB = 1024;
/** Clock ticks a second in /proc/PID/stat; 100 on every Linux port (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Largest resident memory of a process so far, in MiB. */
export async function peakResidentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / KIB_PER_MIB;
}

/** CPU seconds of a process (`own`), and of its children that have ended (`children`). */
export async function cpuSeconds(pid: number): Promise<{ own: number; children: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; utime is the 12th field after it (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (from: number) => (Number(fields[from]) + Number(fields[from + 1])) / TICKS_PER_SECOND;
  return { own: seconds(11), children: seconds(13) };
}
