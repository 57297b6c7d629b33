import { readFile } from 'node:fs/promises';

/** Ticks of `starttime` in /proc/PID/stat a second: USER_HZ, 100 on every architecture Linux runs on today (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100;

/** Start times are cut to a tick, and a process notes the time a moment after its start. */
const TOLERANCE_SECONDS = 2;

/**
 * Whether process `pid` exists and was there already `seconds` after the boot: a later one has only inherited the number.
 */
export async function isProcessSince(pid: number, seconds: number, proc = '/proc'): Promise<boolean> {
  const started = startSeconds(await readFile(`${proc}/${pid}/stat`, 'utf8').catch(() => ''));
  return started !== null && started <= seconds + TOLERANCE_SECONDS;
}

/** Seconds from the boot to the start of the process of this stat line; null where it is none. */
function startSeconds(stat: string): number | null {
  // The name of the program stands in brackets and may itself contain any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0], Number(fields[19])];
  const ended = state === 'Z' || state === 'X';
  return !ended && fields.length > 19 && Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null;
}
