import { readFileSync } from 'node:fs';

/**
 * The environment that tells where the daemon listens. systemd names the daemon in MAINPID for `ExecReload=`: then it is the
 * environment which that daemon was started with, since the file of settings may say something else by now, or nothing valid.
 * Everywhere else it is the own one.
 */
export function daemonEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  proc = '/proc',
): Readonly<Record<string, string | undefined>> {
  const { MAINPID: pid } = own;
  if (pid === undefined || !/^[1-9]\d*$/.test(pid)) return own;
  try {
    const entries = readFileSync(`${proc}/${pid}/environ`, 'utf8').split('\0');
    return Object.fromEntries(
      entries
        .filter((entry) => entry.includes('='))
        .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
  } catch {
    return own;
  }
}
