import type { Clock } from '../../lib/clock.ts';
import { errorMessage, unreachable } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { HubFiles } from '../hub-files.ts';
import { findingClass } from '../machine.ts';
import { type HubFile, ModelError, type ResolvedModel } from '../types.ts';
import { createClaims } from './claims.ts';
import type { FileStore } from './file-store.ts';
import { type FileTrack, trackFile, VersionError } from './file-track.ts';
import type { Limiter } from './limiter.ts';
import { fetchPart, type LivePart, RangesIgnoredError } from './part-fetch.ts';
import { nextPart } from './plan.ts';
import { type AfterLoss, afterLoss } from './retry.ts';
import { SilenceError } from './silence.ts';
import { afterInterval, afterRefusal, firstWidth } from './width.ts';

/** The rate is looked at so often, to decide about the number of connections. */
const INTERVAL_MS = 1_000;

/** What a transfer needs. */
export interface Transfer {
  hub: Pick<HubFiles, 'fetchRange' | 'forgetAddress'>;
  store: FileStore;
  clock: Clock;
  log: Log;
  limiter: Limiter;
  silenceLimitMs: number;
  model: ResolvedModel;
  /** Told after each change: bytes of the file that are there, and how many of them just came over the network. */
  onBytes(file: HubFile, present: number, received: number): void;
  /** Told when the file has its name. */
  onVerified(file: HubFile): void;
}

/**
 * Fetches files over several connections at the same time, in parts, and verifies each. The first failure that does
 * not pass by itself ends all connections and is thrown after everything that came has been claimed.
 */
export async function transferFiles(
  parts: Transfer,
  files: readonly HubFile[],
  outer: AbortSignal,
): Promise<void> {
  const tracks: FileTrack[] = [];
  try {
    for (const file of files) {
      outer.throwIfAborted();
      const track = await trackFile(parts.store, parts.log, file);
      tracks.push(track);
      parts.onBytes(file, track.presentBytes, 0);
    }
    await fetchAll(parts, tracks, outer);
  } finally {
    await Promise.all(tracks.map((track) => track.close()));
  }
}

async function fetchAll(parts: Transfer, tracks: readonly FileTrack[], outer: AbortSignal): Promise<void> {
  const { clock, log } = parts;
  const ended = new AbortController();
  const signal = AbortSignal.any([outer, ended.signal]);
  const work = new Set<Promise<void>>();
  const active: LivePart[] = [];
  const flights = new Map<LivePart, Promise<void>>();
  const verifying = new Set<FileTrack>();
  const done = new Set<FileTrack>();
  const claims = createClaims(() => tracks.filter((track) => !done.has(track)));
  let width = firstWidth();
  let heldUntilMs = 0;
  let receivedBytes = 0;
  let failure: { error: unknown } | null = null;
  let wake = () => {};

  const fail = (error: unknown) => {
    failure ??= { error };
    ended.abort(error);
    wake();
  };
  const run = (task: Promise<void>) => {
    const tracked = task.catch(fail).finally(() => {
      work.delete(tracked);
      wake();
    });
    work.add(tracked);
  };

  const trackOf = (part: LivePart): FileTrack => {
    const track = tracks[part.file];
    if (track === undefined) throw new Error('a part of no file');
    return track;
  };

  const verify = async (track: FileTrack): Promise<void> => {
    verifying.add(track);
    try {
      if (await track.verify()) {
        done.add(track);
        return parts.onVerified(track.file);
      }
      parts.hub.forgetAddress(track.file);
      parts.onBytes(track.file, 0, 0);
    } finally {
      verifying.delete(track);
    }
  };

  const fetchLive = async (track: FileTrack, part: LivePart): Promise<void> => {
    const own = AbortSignal.any([signal, track.stop.signal]);
    try {
      await fetchPart(
        {
          fetchRange: parts.hub.fetchRange,
          clock,
          limiter: parts.limiter,
          silenceLimitMs: parts.silenceLimitMs,
          model: parts.model,
          file: track.file,
          part,
          onVersion: track.seeVersion,
          write: async (buffers, position) => {
            await track.write(buffers, position);
            await claims.written(width.connections);
          },
          onReceived: (bytes) => {
            track.barrenInRow = 0;
            receivedBytes += bytes;
            parts.onBytes(track.file, presentBytes(track), bytes);
          },
        },
        own,
      );
    } catch (error) {
      signal.throwIfAborted();
      // The file is begun again, and this was one of its connections.
      if (!track.stop.signal.aborted) await afterError(track, part, error);
    } finally {
      active.splice(active.indexOf(part), 1);
      flights.delete(part);
    }
  };

  /** What is in the file, and what its connections have gathered for it. */
  const presentBytes = (track: FileTrack): number => {
    let bytes = track.presentBytes;
    for (const part of active) if (trackOf(part) === track) bytes += part.position - part.writtenTo;
    return Math.min(track.file.sizeBytes, bytes);
  };

  const afterError = async (track: FileTrack, part: LivePart, error: unknown): Promise<void> => {
    if (error instanceof RangesIgnoredError || error instanceof VersionError) {
      log.warn('the connections of a file are begun again', { cause: errorMessage(error) });
      return begunAgain(track, part, error instanceof VersionError);
    }
    if (error instanceof ModelError && findingClass(error.finding) !== 'transient') throw error;
    track.barrenInRow += 1;
    const next = afterLoss({
      movedBytes: part.receivedBytes,
      silent: error instanceof SilenceError,
      retryAfterSeconds: error instanceof ModelError ? error.retryAfterSeconds : null,
      barrenInRow: track.barrenInRow,
      othersMove: active.some((other) => other !== part && other.receivedBytes > 0),
    });
    log.warn('a connection was lost', {
      file: track.file.path,
      at_byte: part.position,
      cause: errorMessage(error),
    });
    follow(next, track, error);
  };

  const follow = (next: AfterLoss, track: FileTrack, error: unknown): void => {
    const nowMs = clock.monotonicMs();
    switch (next.kind) {
      case 'replace':
        break;
      case 'pause-file':
        width = afterRefusal(width, nowMs);
        track.pausedUntilMs = nowMs + next.ms;
        wakeAfter(next.ms);
        break;
      case 'pause-all':
        width = afterRefusal(width, nowMs);
        heldUntilMs = Math.max(heldUntilMs, nowMs + next.ms);
        wakeAfter(next.ms);
        break;
      case 'give-up':
        if (error instanceof ModelError) throw error;
        throw new ModelError({
          code: 'hub_unreachable',
          detail: `${track.file.path}: ${errorMessage(error)}`,
        });
      default:
        unreachable(next);
    }
  };

  const begunAgain = async (track: FileTrack, part: LivePart, fromNothing: boolean): Promise<void> => {
    track.stop.abort();
    // The others leave when their last write is over; until then nothing new is begun.
    track.pausedUntilMs = Number.POSITIVE_INFINITY;
    const others = [...flights].filter(([other]) => other !== part && trackOf(other) === track);
    await Promise.all(others.map(([, flight]) => flight.catch(() => undefined)));
    if (fromNothing) {
      await track.restart();
      parts.hub.forgetAddress(track.file);
      parts.onBytes(track.file, 0, 0);
    } else {
      track.sequential = true;
    }
    track.stop = new AbortController();
    track.pausedUntilMs = 0;
  };

  const wakeAfter = (ms: number) => {
    clock.sleep(ms, signal).then(
      () => wake(),
      () => undefined,
    );
  };

  const startParts = (): void => {
    const nowMs = clock.monotonicMs();
    while (active.length < width.connections && nowMs >= heldUntilMs) {
      const progress = tracks.map((track) => ({
        ...track.progress,
        closed: verifying.has(track) || done.has(track) || nowMs < track.pausedUntilMs,
      }));
      const next = nextPart(progress, active, width.connections);
      if (next === null) return;
      const shared = next.kind === 'share' ? active[next.of] : undefined;
      if (shared !== undefined) shared.to = next.part.from;
      const part: LivePart = {
        ...next.part,
        position: next.part.from,
        writtenTo: next.part.from,
        receivedBytes: 0,
        bytesPerSecond: null,
      };
      active.push(part);
      const flight = fetchLive(trackOf(part), part);
      flights.set(part, flight);
      run(flight);
    }
  };

  const startVerifying = (): void => {
    for (const [index, track] of tracks.entries()) {
      if (done.has(track) || verifying.has(track) || !track.whole) continue;
      if (!active.some((part) => part.file === index)) run(verify(track));
    }
  };

  const watchRate = async (): Promise<void> => {
    for (;;) {
      const [before, beforeMs, busyBefore] = [
        receivedBytes,
        clock.monotonicMs(),
        active.length >= width.connections,
      ];
      await clock.sleep(INTERVAL_MS, signal);
      const nowMs = clock.monotonicMs();
      const rate = ((receivedBytes - before) / Math.max(1, nowMs - beforeMs)) * 1000;
      if (busyBefore && active.length >= width.connections) width = afterInterval(width, rate, nowMs);
      wake();
    }
  };

  signal.addEventListener('abort', () => wake(), { once: true });
  const watching = watchRate().catch(() => undefined);
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      startVerifying();
      startParts();
      if (done.size === tracks.length || signal.aborted) break;
      await woken;
    }
  } finally {
    ended.abort(new Error('the transfer is over'));
    await Promise.all([...work, watching]);
  }
  outer.throwIfAborted();
  if (failure !== null) throw (failure as { error: unknown }).error;
}
