import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { readLoadLine } from './load-line.ts';
import {
  allowedSilenceMs,
  finishedDurations,
  type LoadDurations,
  type LoadProgress,
  type LoadView,
  loadView,
  newLoad,
  takeMark,
} from './load-progress.ts';
import type { LoadCase, LoadMemory } from './load-times.ts';

/** A silent phase is looked at, and shown, this often. */
const TICK_MS = 1_000;

/** Follows the start of the engine from its log, from its first line to its first answer. */
export interface LoadWatch {
  /** A run has begun. `startedAt` is the engine's time of it (RFC 3339); what it depends on may become known during it. */
  begin(run: { startedAt: string | null; firstRun: boolean; of: () => LoadCase }): void;
  /** A line of the run's log, with the engine's time (RFC 3339; '' where there is none). */
  line(text: string, timestamp: string): void;
  /** The run answered: what it took is kept. */
  ready(): void;
  /** The run has ended, or is not watched any more. */
  end(): void;
  /** Null while nothing loads. */
  view(): LoadView | null;
  /** Tells of time that passes in a silent phase until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Parts of {@link createLoadWatch}. */
export interface LoadWatchParts {
  clock: Clock;
  log: Log;
  memory: LoadMemory;
  /** The start is not silent: a phase moved, or one that is known to be silent is within its known length. */
  onMove(): void;
  /** What is shown may be another. */
  onChange(): void;
}

/** Makes a watch that follows nothing yet. */
export function createLoadWatch(parts: LoadWatchParts): LoadWatch {
  const { clock } = parts;
  let load: LoadProgress | null = null;
  let of: (() => LoadCase) | null = null;
  let firstRun = true;
  /** The bar never goes back within a run, whatever turns out later. */
  let shown = 0;

  /** The engine's time of a line as a time of our clock: a log that is read late tells of the past. */
  const timeOf = (timestamp: string): number => {
    const ageMs = timestamp === '' ? 0 : clock.now().getTime() - Date.parse(timestamp);
    return clock.monotonicMs() - (Number.isFinite(ageMs) ? Math.max(0, ageMs) : 0);
  };
  const expected = (): LoadDurations | null =>
    load === null || of === null ? null : parts.memory.expected(of(), firstRun, load);

  return {
    begin(run) {
      load = newLoad(timeOf(run.startedAt ?? ''));
      of = run.of;
      firstRun = run.firstRun;
      shown = 0;
      parts.onChange();
    },
    line(text, timestamp) {
      if (load === null) return;
      const mark = readLoadLine(text);
      if (mark === null) return;
      const next = takeMark(load, mark, timeOf(timestamp));
      if (next === load) return;
      const phaseChanged = next.phase !== load.phase;
      load = next;
      parts.onMove();
      if (phaseChanged) parts.onChange();
    },
    ready() {
      if (load === null || of === null) return;
      const took = finishedDurations(load, clock.monotonicMs());
      // A log that could not be read, or tells of no phase, is no start to learn from.
      if (load.phase !== 'config') {
        parts.memory
          .remember(of(), firstRun, load, took, clock.now().toISOString())
          .catch((error: unknown) =>
            parts.log.warn(`the times of this start could not be kept: ${errorMessage(error)}`),
          );
      }
      load = null;
      parts.onChange();
    },
    end() {
      if (load === null) return;
      load = null;
      parts.onChange();
    },
    view() {
      if (load === null) return null;
      const view = loadView(load, expected(), clock.monotonicMs());
      shown = Math.max(shown, view.percent);
      return { ...view, percent: shown };
    },
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(TICK_MS, signal).catch(() => undefined);
        if (load === null || signal.aborted) continue;
        if (clock.monotonicMs() - load.phaseSinceMs <= allowedSilenceMs(load, expected())) parts.onMove();
        parts.onChange();
      }
    },
  };
}
