import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { systemClock } from '../lib/clock.ts';
import { SETTING_TABLE } from '../settings-table.ts';
import { motdBlock } from './motd-block.ts';
import { createMotdFile } from './motd-file.ts';
import { consoleLine, type DaemonEnd, stampStopped } from './stop-stamp.ts';

/**
 * Entry of the program that the unit runs after the daemon's end (ExecStopPost=), however it ended: the login message and
 * the console say that nobody watches any more. With `--remove` (removal of the package) our block is taken out of the login
 * message instead. Exit code 1 when the login message could not be written; the console is a best effort.
 */

/** The console of the machine; on a virtual one the serial line that its provider shows. Tests name a file. */
const CONSOLE = process.env['AI_SANDBOX_CONSOLE'] ?? '/dev/console';

const environment = process.env;
const removes = process.argv.includes('--remove');
const path = environment['AI_SANDBOX_MOTD_FILE'] || SETTING_TABLE.motdFile.default;
const end: DaemonEnd = {
  result: environment['SERVICE_RESULT'] ?? 'success',
  status: environment['EXIT_STATUS'] ?? '',
};
const now = systemClock.now();

const standing = motdBlock(await readFile(path, 'latin1').catch(() => ''));
if (standing !== null || !removes) {
  const block = removes ? '' : stampStopped(standing, end, now);
  const finding = await createMotdFile({ path, clock: systemClock }).write(block, {
    change: 'state',
    insist: true,
  });
  if (finding !== null) {
    process.stderr.write(`<4>${finding.detail}\n`);
    process.exitCode = 1;
  }
}
if (!removes) {
  // Without O_NONBLOCK a serial line that nobody reads could hold up the next start.
  const flags = constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK;
  const terminal = await open(CONSOLE, flags).catch(() => null);
  await terminal?.writeFile(`${consoleLine(end, now)}\r\n`).catch(() => undefined);
  await terminal?.close().catch(() => undefined);
}
