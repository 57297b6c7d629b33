import type { Clock } from '../../lib/clock.ts';
import { notWritable } from '../cache.ts';
import type { RangeQuestion } from '../hub-files.ts';
import { type HubFile, ModelError, type ResolvedModel } from '../types.ts';
import type { Limiter } from './limiter.ts';
import type { PartInFlight } from './plan.ts';
import { watchSilence } from './silence.ts';

/** Chunks are gathered to this size before they are written. */
export const BATCH_BYTES = 1024 * 1024;

/** The other side sent the whole file in the place of a part. */
export class RangesIgnoredError extends Error {
  constructor(path: string) {
    super(`${path} came from its start although a part was asked for`);
    this.name = 'RangesIgnoredError';
  }
}

/** A part on its way; whoever shares it moves its end. */
export interface LivePart extends PartInFlight {
  /** Bytes that came over its connection. */
  receivedBytes: number;
  /** Where the first byte belongs that is not yet in the file. */
  writtenTo: number;
}

/** What fetching a part needs. */
export interface PartFetch {
  fetchRange(question: RangeQuestion, signal: AbortSignal): Promise<void>;
  clock: Clock;
  limiter: Limiter;
  silenceLimitMs: number;
  model: ResolvedModel;
  file: HubFile;
  part: LivePart;
  /** Told once, before the bytes; may throw to end the connection. */
  onVersion(version: string | null): void;
  /** Writes bytes into the file; resolves when the next ones may come. Rejects with the system's error. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Told after each chunk. */
  onReceived(bytes: number): void;
}

/**
 * Fetches one part over one connection into its file. What came before a failure is written. Throws a ModelError, a
 * SilenceError, a {@link RangesIgnoredError}, what `onVersion` throws, or an Error for an answer that ended early.
 */
export async function fetchPart(parts: PartFetch, outer: AbortSignal): Promise<void> {
  const { part, file, clock } = parts;
  const connection = new AbortController();
  const signal = AbortSignal.any([outer, connection.signal]);
  const watch = watchSilence(clock, parts.silenceLimitMs, (error) => connection.abort(error));
  const startedMs = clock.monotonicMs();
  const batch = createBatch(parts, part.position);

  const take = (chunk: Buffer): Promise<void> | undefined => {
    watch.waiting();
    if (part.position + chunk.length > file.sizeBytes) {
      throw new ModelError({
        code: 'hub_answer_invalid',
        detail: `${file.path} is longer than the ${file.sizeBytes} bytes that the hub announces`,
      });
    }
    const fresh = chunk.subarray(0, Math.max(0, part.to - part.position));
    part.position += fresh.length;
    part.receivedBytes += fresh.length;
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    part.bytesPerSecond = seconds > 0 ? part.receivedBytes / seconds : null;
    parts.onReceived(fresh.length);
    const waits = [batch.add(fresh), parts.limiter.take(fresh.length, signal)].filter(
      (wait) => wait !== undefined,
    );
    // A part that was shared ends before its answer does.
    if (part.position >= part.to && chunk.length > fresh.length) connection.abort(SHARED);
    if (waits.length === 0) return undefined;
    watch.working();
    return Promise.all(waits).then(() => watch.waiting());
  };

  try {
    await parts.fetchRange(
      {
        model: parts.model,
        file,
        fromByte: part.position,
        toByte: part.to,
        onAnswer: ({ startByte, version }) => {
          if (startByte !== part.position) throw new RangesIgnoredError(file.path);
          parts.onVersion(version);
        },
        onBytes: take,
      },
      signal,
    );
  } catch (error) {
    const cause = connection.signal.aborted ? connection.signal.reason : error;
    if (cause !== SHARED) {
      // What came is kept; when the disk is what failed, that is what is told.
      await batch.end();
      throw cause;
    }
  } finally {
    watch.stop();
  }
  await batch.end();
  if (part.position < part.to) {
    throw new Error(`the answer ended at ${part.position} of ${part.to} bytes`);
  }
}

const SHARED = new Error('the rest comes over another connection');

/** Gathers chunks and writes them one batch at a time, while the next one is gathered. */
function createBatch(parts: Pick<PartFetch, 'write' | 'file' | 'part'>, start: number) {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  let position = start;
  let writing: Promise<void> = Promise.resolve();
  let busy = false;

  const writeGathered = (): void => {
    if (bytes === 0) return;
    const [buffers, at] = [gathered, position];
    gathered = [];
    position += bytes;
    const end = position;
    bytes = 0;
    busy = true;
    writing = writing
      .then(() => parts.write(buffers, at))
      .then(() => {
        parts.part.writtenTo = end;
      })
      .catch((error: unknown) => {
        throw notWritable(parts.file.path, error);
      })
      .finally(() => {
        busy = false;
      });
    writing.catch(() => undefined);
  };

  return {
    /** Takes a chunk; a promise when no more may come before it resolves. Rejects with the failure of a write. */
    add(chunk: Uint8Array): Promise<void> | undefined {
      gathered.push(chunk);
      bytes += chunk.length;
      if (bytes < BATCH_BYTES) return undefined;
      if (!busy) {
        writeGathered();
        return undefined;
      }
      return writing.then(writeGathered);
    },
    /** Writes what is left. */
    async end(): Promise<void> {
      writeGathered();
      await writing;
    },
  };
}
