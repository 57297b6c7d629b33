import type { Clock } from '../../src/lib/clock.ts';
import type { FileStore } from '../../src/model/download/file-store.ts';
import { createPartialFile } from '../../src/model/download/partial-file.ts';
import type { RangeQuestion } from '../../src/model/hub-files.ts';
import { type HubFile, ModelError } from '../../src/model/types.ts';

const CHUNK = Buffer.alloc(256 * 1024);

/** A line to a hub, in virtual time. */
export interface SimulatedLine {
  fetchRange(question: RangeQuestion, signal: AbortSignal): Promise<void>;
  hasAddress(file: HubFile): boolean;
  forgetAddress(file: HubFile): void;
  /** Bytes that were handed on. */
  readonly sentBytes: number;
  /** Most connections that sent at the same time. */
  readonly mostConnections: number;
}

/** How a line behaves; rates in bytes a second. */
export interface LineOptions {
  /** Of all connections together. */
  total: number;
  /** Of one connection; `at` counts the questions from 0. */
  each(at: number): number;
  /** Until the first byte of each answer. */
  latencyMs: number;
  /** More connections than this are refused. */
  mostAllowed?: number;
  /** What the question gets instead of bytes; null: the bytes. */
  refusal?(question: RangeQuestion): ModelError | null;
  /** Files whose bytes come past the hub; default: all. */
  hasAddress?(file: HubFile): boolean;
}

/** Makes a line whose connections share it evenly. */
export function simulatedLine(clock: Clock, options: LineOptions): SimulatedLine {
  let open = 0;
  let questions = 0;
  const line = {
    sentBytes: 0,
    mostConnections: 0,
    hasAddress: options.hasAddress ?? (() => true),
    forgetAddress: () => {},
    async fetchRange(question: RangeQuestion, signal: AbortSignal) {
      const { fromByte, toByte, onAnswer, onBytes } = question;
      const own = options.each(questions);
      questions += 1;
      await clock.sleep(options.latencyMs, signal);
      const refusal = options.refusal?.(question) ?? null;
      if (refusal !== null) throw refusal;
      if (open >= (options.mostAllowed ?? Number.POSITIVE_INFINITY)) {
        throw new ModelError({ code: 'hub_unreachable', detail: 'too many connections' });
      }
      open += 1;
      line.mostConnections = Math.max(line.mostConnections, open);
      try {
        onAnswer({ startByte: fromByte, version: null });
        for (let at = fromByte; at < toByte; ) {
          const chunk = CHUNK.subarray(0, Math.min(CHUNK.length, toByte - at));
          await clock.sleep((chunk.length / Math.min(own, options.total / open)) * 1000, signal);
          at += chunk.length;
          line.sentBytes += chunk.length;
          await onBytes(chunk);
        }
      } finally {
        open -= 1;
      }
    },
  };
  return line;
}

/** How the disk of a {@link countingStore} behaves. */
interface StoreOptions {
  /** What a sync waits for; default: nothing. */
  sync?(): Promise<void>;
  /** Hashes are never there: reading what is there again takes very long. */
  endlessHash?: boolean;
  /** Told what is claimed in the journal. */
  onClaim?(lines: string): void;
}

/** Files of which only the ranges are kept; every hash is right as soon as all bytes are there. */
export function countingStore(options: StoreOptions = {}): FileStore {
  const none = async () => {};
  const disk = {
    write: none,
    sync: options.sync ?? none,
    appendJournal: async (lines: string) => options.onClaim?.(lines),
    close: none,
  };
  return {
    open: async (file) => ({
      partial: createPartialFile(disk, []),
      hash: {
        upTo: () => {},
        result: options.endlessHash === true ? new Promise(() => {}) : Promise.resolve(file.hash.hex),
        forget: () => {},
      },
    }),
    keep: none,
    setAside: none,
    discard: none,
  };
}
