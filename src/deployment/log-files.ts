import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Finding } from '../status/problem.ts';
import type { Status } from '../status/schema.ts';
import { type DownloadLogMemory, downloadLines, NO_DOWNLOAD_LOGGED } from './download-lines.ts';
import { deploymentLines, stampLine, withKnownServices } from './log-lines.ts';

const DEPLOYMENT_LOG = 'deployment.log';
const DOWNLOAD_LOG = 'model-download.log';

/** Lines kept for a directory that cannot be written; older ones are dropped. */
const MAXIMUM_UNWRITTEN = 1000;

/** The two log files of the product. */
export interface LogFiles {
  /** Appends what is new in `status`. Returns a finding while a file cannot be written; never rejects. */
  write(status: Status): Promise<Finding | null>;
}

/**
 * Makes the writer. Files are opened anew for every write, so that they can be rotated or deleted at any time; what could
 * not be written is kept and follows, with its own time, when it can.
 */
export function createLogFiles({
  directory,
  clock,
}: {
  directory: string;
  clock: Pick<Clock, 'now'>;
}): LogFiles {
  let previous: Status | null = null;
  let download: DownloadLogMemory = NO_DOWNLOAD_LOGGED;
  let unwritten: { file: string; line: string }[] = [];
  let writing: Promise<Finding | null> = Promise.resolve(null);

  const flush = async (): Promise<Finding | null> => {
    for (const file of [DEPLOYMENT_LOG, DOWNLOAD_LOG]) {
      const taken = unwritten.filter((entry) => entry.file === file);
      if (taken.length === 0) continue;
      const path = join(directory, file);
      try {
        await mkdir(directory, { recursive: true });
        await append(path, taken.map(({ line }) => `${line}\n`).join(''));
        unwritten = unwritten.filter((entry) => !taken.includes(entry));
      } catch (error) {
        return { code: 'log_not_writable', detail: `${path}: ${errorMessage(error)}` };
      }
    }
    return null;
  };
  const add = (file: string, lines: string[]) => {
    const stamped = lines.map((text) => ({ file, line: stampLine(text, clock.now()) }));
    unwritten = [...unwritten, ...stamped].slice(-MAXIMUM_UNWRITTEN);
  };

  return {
    write: (status) => {
      const known = withKnownServices(previous, status);
      add(DEPLOYMENT_LOG, deploymentLines(previous, known));
      const progress = downloadLines(download, status);
      add(DOWNLOAD_LOG, progress.lines);
      download = progress.memory;
      previous = known;
      writing = writing.then(flush);
      return writing;
    },
  };
}

/** Readable by the group only: details may name private paths and models. A link in the place of a log is not followed. */
async function append(path: string, text: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const file = await open(path, flags, 0o640);
  try {
    await file.appendFile(text);
  } finally {
    await file.close();
  }
}
