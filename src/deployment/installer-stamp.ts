import { readFile } from 'node:fs/promises';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type Moment, parseStamp } from './moment.ts';

/**
 * The moment at which an installer began, from the file it left; null when there is none. A file that cannot be read or
 * understood is logged and counts as absent: the clock then starts with the daemon. Never throws.
 */
export async function readInstallerStamp(path: string | null, log: Log): Promise<Moment | null> {
  if (path === null) return null;
  try {
    const stamp = parseStamp(await readFile(path, 'utf8'));
    if (stamp === null) log.warn(`the installer's stamp ${path} has no valid time; it is ignored`);
    return stamp;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      log.warn(`the installer's stamp ${path} cannot be read: ${errorMessage(error)}`);
    }
    return null;
  }
}
