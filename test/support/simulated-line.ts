import type { Clock } from '../../src/lib/clock.ts';
import type { FileStore } from '../../src/model/download/file-store.ts';
import { createPartialFile } from '../../src/model/download/partial-file.ts';
import type { RangeQuestion } from '../../src/model/hub-files.ts';
import { type HubFile, ModelError } from '../../src/model/types.ts';

const CHUNK = Buffer.alloc(256 * 1024);

/** A line to a hub, in virtual time. */
export interface SimulatedLine {
  fetchRange(question: RangeQuestion, signal: AbortSignal): Promise<void>;
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
}

/** Makes a line whose connections share it evenly. */
export function simulatedLine(clock: Clock, options: LineOptions): SimulatedLine {
  let open = 0;
  let questions = 0;
  const line = {
    sentBytes: 0,
    mostConnections: 0,
    forgetAddress: () => {},
    async fetchRange({ fromByte, toByte, onAnswer, onBytes }: RangeQuestion, signal: AbortSignal) {
      const own = options.each(questions);
      questions += 1;
      await clock.sleep(options.latencyMs, signal);
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

/** Files of which only the ranges are kept; every hash is right as soon as all bytes are there. */
export function countingStore(): FileStore {
  const none = async () => {};
  return {
    open: async (file) => ({
      partial: createPartialFile({ write: none, sync: none, appendJournal: none, close: none }, []),
      hash: { upTo: () => {}, result: Promise.resolve(file.hash.hex), forget: () => {} },
    }),
    keep: none,
    setAside: none,
    discard: none,
  };
}
