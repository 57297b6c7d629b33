import type { HubFile, ModelError } from '../types.ts';
import { createClaims } from './claims.ts';
import { type FileTrack, trackFile } from './file-track.ts';
import { flyPart } from './flight.ts';
import { createFlights } from './flights.ts';
import type { Flow, Transfer } from './flow.ts';
import { createPace } from './pace.ts';
import { nextPart } from './plan.ts';
import { longer, NO_REST, type Rest, standstill } from './rest.ts';

/** So often the rate is looked at, to decide about the number of connections, and what came is claimed. */
const INTERVAL_MS = 1_000;

/**
 * Fetches files over several connections at the same time, in parts, and verifies each. The first failure that does
 * not pass by itself ends all connections and is thrown after everything that came has been claimed.
 */
export async function transferFiles(
  parts: Transfer,
  files: readonly HubFile[],
  signal: AbortSignal,
): Promise<void> {
  const tracks: FileTrack[] = [];
  try {
    for (const file of files) {
      signal.throwIfAborted();
      const track = await trackFile(parts.store, parts.log, file);
      tracks.push(track);
      parts.onBytes(file, track.presentBytes, 0);
    }
    await fetchAll(parts, tracks, signal);
  } finally {
    await Promise.all(tracks.map((track) => track.close()));
  }
}

async function fetchAll(parts: Transfer, tracks: readonly FileTrack[], outer: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([outer, ended.signal]);
  const work = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let wake = () => {};

  const run = (task: Promise<void>) => {
    const tracked = task
      .catch((error: unknown) => {
        failures.push(error);
        ended.abort(error);
      })
      .finally(() => {
        work.delete(tracked);
        wake();
      });
    work.add(tracked);
  };
  const flow: Flow = {
    ...parts,
    tracks,
    flights: createFlights(),
    pace: createPace(parts.clock),
    claims: createClaims(() => tracks.filter(({ stage }) => stage !== 'done')),
    rests: { all: NO_REST, hub: NO_REST },
    signal,
    lookAgainAfter: (ms) => {
      parts.clock.sleep(ms, signal).then(
        () => wake(),
        () => undefined,
      );
    },
  };

  signal.addEventListener('abort', () => wake(), { once: true });
  const watching = watchRate(flow, () => wake()).catch(() => undefined);
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      for (const track of wholeFiles(flow)) run(verify(flow, track));
      beginParts(flow, run);
      if (signal.aborted || tracks.every(({ stage }) => stage === 'done')) break;
      const refusal = work.size === 0 ? standstillOf(flow) : null;
      if (refusal !== null) throw refusal;
      await woken;
    }
  } finally {
    ended.abort(new Error('the transfer is over'));
    await Promise.all([...work, watching]);
  }
  outer.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}

/** Why nothing moves for some time, where someone asked for that; whoever sees a download must see it. */
function standstillOf(flow: Flow): ModelError | null {
  const fetching = flow.tracks.filter(({ stage }) => stage === 'fetching');
  return standstill(
    fetching.map((track) => restOf(flow, track)),
    flow.clock.monotonicMs(),
  );
}

/** Until when nothing of a file is begun. */
function restOf({ rests, hub }: Flow, { rest, file }: FileTrack): Rest {
  const own = longer(rest, rests.all);
  return hub.hasAddress(file) ? own : longer(own, rests.hub);
}

/** Begins parts until all connections have work or nothing is left to begin. */
function beginParts(flow: Flow, run: (task: Promise<void>) => void): void {
  const { tracks, flights, pace } = flow;
  const nowMs = flow.clock.monotonicMs();
  while (flights.parts.length < pace.connections) {
    const progress = tracks.map((track) => ({
      ...track.progress,
      closed: track.stage !== 'fetching' || nowMs < restOf(flow, track).untilMs,
    }));
    const next = nextPart(progress, flights.parts, pace.connections, pace.usualRate);
    const track = next === null ? undefined : tracks[next.part.file];
    if (next === null || track === undefined) return;
    const shared = next.kind === 'share' ? flights.parts[next.of] : undefined;
    if (shared !== undefined) shared.to = next.part.from;
    run(flights.begin(next.part, (part) => flyPart(flow, track, part)));
  }
}

/** Files of which every byte is there, and that nobody writes any more. */
function wholeFiles({ tracks, flights }: Flow): FileTrack[] {
  return tracks.filter(
    (track, index) => track.stage === 'fetching' && track.whole && flights.of(index).length === 0,
  );
}

async function verify(flow: Flow, track: FileTrack): Promise<void> {
  track.stage = 'verifying';
  if (await track.verify(flow.signal)) {
    track.stage = 'done';
    flow.onVerified(track.file);
    return;
  }
  flow.hub.forgetAddress(track.file);
  flow.onBytes(track.file, 0, 0);
  track.stage = 'fetching';
}

async function watchRate(flow: Flow, look: () => void): Promise<void> {
  const { clock, flights, pace, claims, signal } = flow;
  const allBusy = () => flights.parts.length >= pace.connections;
  for (;;) {
    const busyBefore = allBusy();
    await clock.sleep(INTERVAL_MS, signal);
    pace.judge(busyBefore && allBusy());
    claims.now();
    look();
  }
}
