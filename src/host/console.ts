import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { toPlainLine } from '../lib/plain-text.ts';

/** The console of the machine, on a virtual one the serial line that its provider shows. */
export interface Console {
  /** Writes lines, made harmless. A console that takes nothing is passed over. Never rejects. */
  write(lines: readonly string[]): Promise<void>;
}

/** Makes the writer of the device at `path`; null: there is none. The device never becomes the daemon's own terminal. */
export function createConsole(path: string | null, log: Log): Console {
  let told = false;
  return {
    async write(lines) {
      if (path === null || lines.length === 0) return;
      try {
        const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY | constants.O_NONBLOCK;
        const device = await open(path, flags);
        try {
          // The terminal of a console may be in a mode in which a line end alone does not go back to its first column.
          await device.write(lines.map((line) => `\r${toPlainLine(`ai-sandbox: ${line}`)}\r\n`).join(''));
        } finally {
          await device.close();
        }
      } catch (error) {
        if (!told) log.info(`the console ${path} cannot be written: ${errorMessage(error)}`);
        told = true;
      }
    },
  };
}
