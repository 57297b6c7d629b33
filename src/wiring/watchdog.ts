import type { Notifier } from '../host/systemd.ts';
import type { Clock } from '../lib/clock.ts';

/** The loop looks at least every 5 s; a look older than this means that it is stuck. */
const STUCK_AFTER_MS = 30_000;

/** Whether the daemon does its work, for `/livez` and systemd's watchdog: the age of the loop's last look decides. */
export function createLiveness(lastTickAgeMs: () => number): () => { ok: boolean; detail: string } {
  return () => {
    const ageMs = lastTickAgeMs();
    return ageMs < STUCK_AFTER_MS
      ? { ok: true, detail: 'ok' }
      : { ok: false, detail: `the loop has not moved for ${Math.round(ageMs / 1000)} s` };
  };
}

/** Feeds systemd's watchdog while the daemon is alive, until `signal` aborts; does nothing where systemd asks for none. */
export async function feedWatchdog(
  parts: { notifier: Notifier; alive: () => { ok: boolean }; clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const intervalMs = parts.notifier.watchdogIntervalMs;
  while (intervalMs !== null && !signal.aborted) {
    if (parts.alive().ok) parts.notifier.watchdog();
    await parts.clock.sleep(intervalMs, signal).catch(() => undefined);
  }
}
