import type { LastExit } from '../status/schema.ts';

/** First delay after the restart that is made at once; then it doubles (the curve of the kubelet's CrashLoopBackOff). */
const RESTART_BASE_MS = 10_000;
export const RESTART_CAP_MS = 300_000;
/** A service that was ready for so long without a break starts the curve anew. */
export const HEALTHY_RESET_MS = 600_000;
/** So many counted failures with one cause within the window are a loop. */
export const LOOP_FAILURES = 5;
export const LOOP_WINDOW_MS = 30 * 60_000;
/** What needs something done to the machine is looked at again this often: asking costs nothing. */
export const HOST_RECHECK_MS = 30_000;

/** Wait before the restart after the `attempt`-th counted failure in a row (from 1): 0, 10 s, 20 s … 300 s. */
export function restartDelayMs(attempt: number): number {
  if (attempt <= 1) return 0;
  return Math.min(RESTART_BASE_MS * 2 ** Math.min(attempt - 2, 16), RESTART_CAP_MS);
}

/** Waits before the first tries after a refusal: what a container that has just ended held, its port above all, comes free. */
const SOON_AFTER_REFUSAL_MS: readonly number[] = [500, 2_000];

/** Wait after the `refusals`-th refusal by the engine in a row (from 1): 0.5 s, 2 s, then 10 s, 20 s … 300 s. */
export function refusalDelayMs(refusals: number): number {
  return SOON_AFTER_REFUSAL_MS[refusals - 1] ?? restartDelayMs(refusals - SOON_AFTER_REFUSAL_MS.length + 1);
}

/** What an exit was found to be; where that has no name of its own, its words. */
export function exitKey(exit: Pick<LastExit, 'code' | 'cause'>): string {
  return exit.code === undefined || UNTELLING_CODES.has(exit.code) ? exit.cause : exit.code;
}

/** Codes that say only that something ended. */
const UNTELLING_CODES: ReadonlySet<string> = new Set(['container_exited', 'unknown_failure']);

/** Whether counted failures of one cause within the window, `key` being the latest, are a loop. */
export function isLoop(history: readonly LastExit[], key: string, now: Date): boolean {
  const since = now.getTime() - LOOP_WINDOW_MS;
  const same = history.filter(
    (exit) => exit.attempt > 0 && exitKey(exit) === key && Date.parse(exit.at) >= since,
  );
  return same.length >= LOOP_FAILURES;
}

/** Wait after a failed pull: its own curve, slow for what a person must mend, steady for space. */
export function pullDelayMs(failures: number, problemClass: string): number {
  if (problemClass === 'host') return HOST_RECHECK_MS;
  if (problemClass === 'fatal') return RESTART_CAP_MS;
  return Math.min(5_000 * 2 ** Math.min(failures - 1, 16), RESTART_CAP_MS);
}

/** Wait before a failed call of another kind is made again: 1 s doubling to 30 s. */
export function callDelayMs(failures: number): number {
  return Math.min(1_000 * 2 ** Math.min(failures - 1, 16), 30_000);
}
