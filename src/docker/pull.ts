import type { Clock } from '../lib/clock.ts';
import { DeadlineError, withDeadline } from '../lib/deadline.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import { EngineError, type PullProgress } from './engine.ts';
import { InBandError, toEngineError } from './errors.ts';
import { createNdjsonReader } from './ndjson.ts';
import { EMPTY_PULL, foldPullLine, inBandError, type PullState } from './pull-progress.ts';

/** How long a pull may stand still, in milliseconds. */
export interface PullLimits {
  /** Until the first layer is named: the engine asks the registry, itself with 15 s a try. */
  contactingMs: number;
  downloadingMs: number;
  /** A large layer is unpacked in one go, on a slow disk without a line in between. */
  extractingMs: number;
}

/** 30 s without a byte while downloading, 10 minutes while extracting. */
export const PULL_LIMITS: PullLimits = {
  contactingMs: 60_000,
  downloadingMs: 30_000,
  extractingMs: 600_000,
};

/** What a pull needs from outside. */
export interface PullParts {
  clock: Clock;
  redactor: Redactor;
  log: Log;
  limits: PullLimits;
  /** Sends the request; the bytes of the answer. Aborting its signal ends the pull in the engine. */
  open(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Whether the image is there now: the only proof of success. */
  isPresent(signal: AbortSignal): Promise<boolean>;
}

/**
 * Pulls one image. Resolves when the image is there. Rejects with {@link EngineError} for an error inside the stream,
 * a broken connection, an end without the image, or when nothing moves for the time of {@link PullLimits}
 * (`image_pull_stalled`); with the reason of `outer` when that aborts.
 */
export async function pull(
  parts: PullParts,
  reference: string,
  onProgress: (progress: PullProgress) => void,
  outer: AbortSignal,
): Promise<void> {
  outer.throwIfAborted();
  const controller = new AbortController();
  const signal = AbortSignal.any([outer, controller.signal]);
  try {
    const state = await readPull(parts, reference, onProgress, signal);
    if (await parts.isPresent(signal)) return;
    const last = parts.redactor.redact(state.lastWords);
    const words = `pulling ${reference} ended without the image${last === '' ? '' : `; last words: ${last}`}`;
    throw new EngineError('in_band', words, { code: 'image_pull_failed', detail: words });
  } catch (error) {
    if (outer.aborted) throw outer.reason;
    throw toEngineError(error, 'pull', `pulling ${reference}`, parts.redactor);
  } finally {
    controller.abort();
  }
}

async function readPull(
  parts: PullParts,
  reference: string,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<PullState> {
  const { clock, limits } = parts;
  const reader = createNdjsonReader();
  let state = EMPTY_PULL;
  let movedAt = clock.monotonicMs();
  const take = (line: unknown) => {
    const words = inBandError(line);
    if (words !== null) throw new InBandError(words);
    const next = foldPullLine(state, line);
    if (next.movements !== state.movements) movedAt = clock.monotonicMs();
    if (next.shown !== state.shown) onProgress(next.shown);
    state = next;
  };
  /** Waits for the stream for as long as the pull may stand still. */
  const wait = async <T>(call: () => Promise<T>): Promise<T> => {
    const limitMs = silenceLimitMs(state, limits);
    const leftMs = Math.max(0, movedAt + limitMs - clock.monotonicMs());
    try {
      return await withDeadline(clock, 'the pull', leftMs, call, signal);
    } catch (error) {
      throw error instanceof DeadlineError ? stalled(parts, reference, state, limitMs) : error;
    }
  };

  const stream = await wait(() => parts.open(signal));
  const chunks = stream[Symbol.asyncIterator]();
  for (let chunk = await wait(() => chunks.next()); !chunk.done; chunk = await wait(() => chunks.next())) {
    reader.push(chunk.value).forEach(take);
  }
  reader.end().forEach(take);
  if (reader.badLines() > 0) {
    parts.log.debug('lines of a pull were not JSON', { reference, count: reader.badLines() });
  }
  return state;
}

function silenceLimitMs(state: PullState, limits: PullLimits): number {
  if (state.layers.size === 0) return limits.contactingMs;
  return state.shown.phase === 'unpacking' ? limits.extractingMs : limits.downloadingMs;
}

function stalled(parts: PullParts, reference: string, state: PullState, limitMs: number): EngineError {
  const last = state.lastWords === '' ? 'the registry has not answered' : state.lastWords;
  const words = parts.redactor.redact(
    `pulling ${reference} stood still for ${Math.round(limitMs / 1000)} s after ${state.shown.bytesDone} bytes (${last})`,
  );
  return new EngineError('in_band', words, { code: 'image_pull_stalled', detail: words });
}
