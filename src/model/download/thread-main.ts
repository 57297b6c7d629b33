import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../lib/clock.ts';
import { errorMessage } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { yieldCores } from '../../lib/yield-cores.ts';
import { createHubFiles } from '../hub-files.ts';
import { createHubSession } from '../hub-session.ts';
import { ModelError } from '../types.ts';
import { createDownload } from './model-download.ts';
import { type BlobNews, END, type ThreadNews, type ThreadTask } from './thread.ts';

/** Entry of the thread that downloads one model, and tells the daemon how far it is. */

/** Bytes come in thousands of pieces a second; they are told of together, so often. */
const TELL_EVERY_MS = 100;
/** The daemon's answers go first. */
const DOWNLOAD_NICENESS = 5;

const port = parentPort;
if (port === null) throw new Error('this is the entry of a worker thread');
const task = workerData as ThreadTask;
yieldCores(DOWNLOAD_NICENESS);
const ended = new AbortController();
const untold = new Map<string, BlobNews>();
let telling: NodeJS.Timeout | null = null;

const tellOfBytes = () => {
  if (telling !== null) clearTimeout(telling);
  telling = null;
  if (untold.size === 0) return;
  port.postMessage({ kind: 'bytes', blobs: [...untold.values()] } satisfies ThreadNews);
  untold.clear();
};
/** What came before is told before. */
const tell = (news: ThreadNews) => {
  tellOfBytes();
  port.postMessage(news);
};
const logTo =
  (level: keyof Log) =>
  (message: string, fields: Record<string, unknown> = {}) =>
    tell({ kind: 'log', level, message, fields });

port.on('message', (order: unknown) => {
  if (order === END) ended.abort(new Error('the download is not wanted any more'));
});

const { access, model, layout, silenceLimitMs, bytesPerSecond } = task;
const session = createHubSession({ ...access, token: () => access.token, clock: systemClock });
const download = createDownload(createHubFiles(session), systemClock);
try {
  await download(
    {
      log: { error: logTo('error'), warn: logTo('warn'), info: logTo('info'), debug: logTo('debug') },
      silenceLimitMs,
      bytesPerSecond,
      meter: {
        present: (etag, present, received) => {
          untold.set(etag, { etag, present, received: received + (untold.get(etag)?.received ?? 0) });
          telling ??= setTimeout(tellOfBytes, TELL_EVERY_MS);
        },
        verified: (etag) => tell({ kind: 'verified', etag }),
      },
      onStart: () => tell({ kind: 'started' }),
      onReceived: () => {},
    },
    model,
    layout,
    ended.signal,
  );
  tell({ kind: 'done' });
} catch (error) {
  const named = error instanceof ModelError ? error : null;
  tell({
    kind: 'failed',
    message: errorMessage(error),
    finding: named?.finding ?? null,
    retryAfterSeconds: named?.retryAfterSeconds ?? null,
  });
}
