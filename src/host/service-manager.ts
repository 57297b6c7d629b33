import { execFile } from 'node:child_process';

/** A stop of Docker waits for its containers, each up to its own grace. */
const RESTART_LIMIT_MS = 300_000;

/** Restarts a unit of systemd and waits until it runs again. Rejects with the words of systemctl. */
export function restartUnit(unit: string, command = 'systemctl'): Promise<void> {
  // Only what it needs: the environment of the daemon holds secrets.
  const env = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  const options = { timeout: RESTART_LIMIT_MS, killSignal: 'SIGKILL', env } as const;
  return new Promise((resolve, reject) => {
    execFile(command, ['restart', unit], options, (error, _output, words) =>
      error === null ? resolve() : reject(new Error(words.trim() || error.message)),
    );
  });
}
