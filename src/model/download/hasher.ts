import { Worker } from 'node:worker_threads';
import { programBeside } from '../../lib/program-beside.ts';
import type { HubFile } from '../types.ts';

/** What the hashing thread is told. */
export type HashOrder =
  | { id: number; kind: 'open'; path: string; file: Pick<HubFile, 'hash' | 'sizeBytes'> }
  | { id: number; kind: 'up-to'; bytes: number }
  | { id: number; kind: 'forget' };

/** What it answers. */
export type HashAnswer = { id: number; hex: string } | { id: number; error: string };

/** The hash of one file, read behind those who write it. */
export interface FollowedHash {
  /** Says that the first `bytes` bytes are in the file. */
  upTo(bytes: number): void;
  /** The hash in hex, when all bytes were read. Rejects when the file cannot be read or the thread dies. */
  result: Promise<string>;
  /** Ends it; the result never comes. */
  forget(): void;
}

/** Hashes files in a thread of its own, so that the daemon answers meanwhile. */
export interface Hasher {
  /** Begins to hash a file that may still be empty. A link in its place is refused. */
  follow(path: string, file: Pick<HubFile, 'hash' | 'sizeBytes'>): FollowedHash;
  /** Ends the thread; what is not yet there rejects. */
  close(): Promise<void>;
}

/** The thread is told of new bytes in steps of at least this, and of the last one. */
const TELL_BYTES = 4 * 1024 * 1024;
/** Only code of this package runs in the thread: reading and hashing need little memory. */
const THREAD_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** Starts the thread with the first file. */
export function createHasher(entry: string = hasherEntry(import.meta.url)): Hasher {
  const waiting = new Map<number, { resolve(hex: string): void; reject(error: Error): void }>();
  let worker: Worker | null = null;
  let lastId = 0;

  const failAll = (error: Error) => {
    worker = null;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const started = (): Worker => {
    if (worker !== null) return worker;
    const created = new Worker(entry, { execArgv: [], resourceLimits: THREAD_LIMITS });
    created.on('message', (answer: HashAnswer) => {
      const one = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('hex' in answer) one?.resolve(answer.hex);
      else one?.reject(new Error(answer.error));
    });
    created.on('error', (error) => failAll(error instanceof Error ? error : new Error(String(error))));
    created.on('exit', () => failAll(new Error('the hashing thread has ended')));
    worker = created;
    return created;
  };

  return {
    follow(path, file) {
      const thread = started();
      lastId += 1;
      const id = lastId;
      const tell = (order: HashOrder) => thread.postMessage(order);
      const result = new Promise<string>((resolve, reject) => waiting.set(id, { resolve, reject }));
      result.catch(() => undefined);
      tell({ id, kind: 'open', path, file: { hash: file.hash, sizeBytes: file.sizeBytes } });
      let told = 0;
      return {
        result,
        upTo: (bytes) => {
          if (bytes - told < TELL_BYTES && bytes < file.sizeBytes) return;
          told = bytes;
          tell({ id, kind: 'up-to', bytes });
        },
        forget: () => {
          waiting.delete(id);
          tell({ id, kind: 'forget' });
        },
      };
    },
    async close() {
      await worker?.terminate();
    },
  };
}

/** The thread's program beside the module at `url`: the source, or its bundle as shipped. */
export function hasherEntry(url: string): string {
  return programBeside(url, './hash-worker-main.ts', './model-hasher.mjs');
}
