import { Worker } from 'node:worker_threads';
import { unreachable } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { programBeside } from '../../lib/program-beside.ts';
import type { Finding } from '../../status/problem.ts';
import type { CacheLayout } from '../cache-layout.ts';
import type { SessionOptions } from '../hub-session.ts';
import { ModelError, type ResolvedModel } from '../types.ts';
import type { Download, DownloadJob } from './model-download.ts';

/** How the hub is reached. */
export type HubAccess = Required<Pick<SessionOptions, 'endpoint' | 'token' | 'caFile'>>;

/** What the downloading thread is started with. */
export interface ThreadTask {
  access: { endpoint: string; token: string | null; caFile: string | null };
  silenceLimitMs: number;
  bytesPerSecond: number | null;
  model: ResolvedModel;
  layout: CacheLayout;
}

/** What has become of one blob since the thread told of it last. */
export interface BlobNews {
  etag: string;
  /** Bytes that are there. */
  present: number;
  /** How many came over the network since. */
  received: number;
}

/** What the thread tells; `done` or `failed` is the last. */
export type ThreadNews =
  | { kind: 'started' }
  | { kind: 'bytes'; blobs: BlobNews[] }
  | { kind: 'verified'; etag: string }
  | { kind: 'log'; level: keyof Log; message: string; fields: Record<string, unknown> }
  | { kind: 'failed'; message: string; finding: Finding | null; retryAfterSeconds: number | null }
  | { kind: 'done' };

/** The only thing that the thread is told: to claim what came, and to end. */
export const END = 'end';

/**
 * Downloads in a thread of its own, one for each call: sockets, writes and the garbage of both keep the daemon's loop
 * from answering otherwise. Beside what {@link Download} says, it rejects with a plain Error when the thread dies.
 */
export function createThreadedDownload(
  access: HubAccess,
  entry: string = programBeside(import.meta.url, './thread-main.ts', './model-downloader.mjs'),
): Download {
  return async (job, model, layout, signal) => {
    const { silenceLimitMs, bytesPerSecond } = job;
    const { identifier, commit, files, revision } = model;
    const resolved = { identifier, commit, files, ...(revision === undefined ? {} : { revision }) };
    for (;;) {
      signal.throwIfAborted();
      const token = access.token();
      const task: ThreadTask = {
        access: { endpoint: access.endpoint, token, caFile: access.caFile },
        silenceLimitMs,
        bytesPerSecond,
        model: resolved,
        layout,
      };
      try {
        return await runThread(entry, task, job, signal);
      } catch (error) {
        // The thread keeps the token that it was given: what failed with an older one says nothing of this one.
        if (signal.aborted || access.token() === token) throw error;
      }
    }
  };
}

async function runThread(
  entry: string,
  task: ThreadTask,
  job: DownloadJob,
  signal: AbortSignal,
): Promise<void> {
  const thread = new Worker(entry, { workerData: task, execArgv: [], name: 'model-download' });
  const told = new Promise<void>((resolve, reject) => {
    thread.on('message', (news: ThreadNews) => {
      switch (news.kind) {
        case 'done':
          resolve();
          break;
        case 'failed':
          reject(failureOf(news));
          break;
        default:
          passOn(news, job);
      }
    });
    thread.on('error', reject);
    thread.on('exit', () => reject(new Error('the downloading thread has ended')));
  });
  const end = () => thread.postMessage(END);
  signal.addEventListener('abort', end, { once: true });
  try {
    await told;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    await thread.terminate();
  }
}

function passOn(news: Exclude<ThreadNews, { kind: 'done' | 'failed' }>, job: DownloadJob): void {
  switch (news.kind) {
    case 'started':
      job.onStart();
      break;
    case 'bytes':
      for (const { etag, present, received } of news.blobs) job.meter.present(etag, present, received);
      if (news.blobs.some(({ received }) => received > 0)) job.onReceived();
      break;
    case 'verified':
      job.meter.verified(news.etag);
      break;
    case 'log':
      job.log[news.level](news.message, news.fields);
      break;
    default:
      unreachable(news);
  }
}

function failureOf({ message, finding, retryAfterSeconds }: Extract<ThreadNews, { kind: 'failed' }>): Error {
  return finding === null ? new Error(message) : new ModelError(finding, retryAfterSeconds);
}
