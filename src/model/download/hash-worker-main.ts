import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { yieldCores } from '../../lib/yield-cores.ts';
import { startHash } from '../file-hash.ts';
import type { HashAnswer, HashOrder } from './hasher.ts';

/**
 * Entry of the thread that hashes files while they are being written: it reads each file from its start as far as it
 * was told that bytes are there, and answers with the hash when it has read all of them.
 */
const READ_BYTES = 1024 * 1024;
/** Behind the thread that downloads, which is behind the daemon's answers. */
const HASHING_NICENESS = 10;

/** A file that is being hashed. */
interface Job {
  id: number;
  descriptor: number;
  hash: ReturnType<typeof startHash>;
  at: number;
  upTo: number;
  sizeBytes: number;
}

const port = parentPort;
if (port === null) throw new Error('this is the entry of a worker thread');
yieldCores(HASHING_NICENESS);
const jobs = new Map<number, Job>();
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
let working = false;

const answer = (message: HashAnswer) => port.postMessage(message);

const end = (job: Job) => {
  jobs.delete(job.id);
  closeSync(job.descriptor);
};

/** Reads on by one piece, where there is something to read. */
function advance(job: Job): void {
  if (job.at >= job.upTo) return;
  const bytes = readSync(job.descriptor, buffer, 0, Math.min(READ_BYTES, job.upTo - job.at), job.at);
  if (bytes === 0) throw new Error(`the file ended at ${job.at} of ${job.sizeBytes} bytes`);
  job.hash.update(buffer.subarray(0, bytes));
  job.at += bytes;
}

function finishWhenRead(job: Job): void {
  if (job.at < job.sizeBytes) return;
  end(job);
  answer({ id: job.id, hex: job.hash.digest('hex') });
}

const pending = () => [...jobs.values()].some((job) => job.at < job.upTo || job.at >= job.sizeBytes);

async function work(): Promise<void> {
  if (working) return;
  working = true;
  while (pending()) {
    for (const job of [...jobs.values()]) {
      try {
        advance(job);
        finishWhenRead(job);
      } catch (error) {
        end(job);
        answer({ id: job.id, error: error instanceof Error ? error.message : String(error) });
      }
    }
    // Orders that came meanwhile.
    await nextTurn();
  }
  working = false;
}

port.on('message', (order: HashOrder) => {
  const job = jobs.get(order.id);
  switch (order.kind) {
    case 'open':
      try {
        const descriptor = openSync(order.path, constants.O_RDONLY | constants.O_NOFOLLOW);
        const hash = startHash(order.file);
        const { sizeBytes } = order.file;
        jobs.set(order.id, { id: order.id, descriptor, hash, at: 0, upTo: 0, sizeBytes });
      } catch (error) {
        answer({ id: order.id, error: error instanceof Error ? error.message : String(error) });
      }
      break;
    case 'up-to':
      if (job !== undefined) job.upTo = Math.max(job.upTo, order.bytes);
      break;
    case 'forget':
      if (job !== undefined) end(job);
      break;
  }
  void work();
});
