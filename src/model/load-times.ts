import { type Static, Type } from 'typebox';
import type { StateSection } from '../lib/state-store.ts';
import type { LoadDurations, LoadProgress } from './load-progress.ts';

const milliseconds = Type.Optional(Type.Number({ minimum: 0 }));
const DurationsSchema = Type.Object({
  config: milliseconds,
  'load weights': milliseconds,
  compile: milliseconds,
  'memory profiling': milliseconds,
  graphs: milliseconds,
  serving: milliseconds,
});

/** What the latest starts of one model with one image on one GPU took. */
const LoadTimesEntrySchema = Type.Object({
  /** The first run of a container: nothing of it is warm. */
  fresh: Type.Optional(DurationsSchema),
  /** A further run of a container. */
  again: Type.Optional(DurationsSchema),
  /** Length of a compilation that found no cache. */
  compileMs: milliseconds,
  /** RFC 3339 time of the latest of them; the oldest entries go first. */
  at: Type.String(),
});
type LoadTimesEntry = Static<typeof LoadTimesEntrySchema>;

/** The part of the state file with the lengths of earlier starts. */
export const LoadTimesSchema = Type.Record(Type.String(), LoadTimesEntrySchema);
type LoadTimes = Static<typeof LoadTimesSchema>;

/** Combinations that are remembered. */
const ENTRIES_KEPT = 20;
/** What is left of a compilation once its result is cached: 48 s became about 7 s with the real vLLM on a CPU. */
const CACHED_COMPILE_SHARE = 0.15;
/** A container's second run finds Python's byte code and the file cache: 39 s became 20 s without compilation. */
const SECOND_RUN_SHARE = 0.5;

/** What the length of a start depends on. */
export interface LoadCase {
  model: string;
  image: string;
  /** Name of the GPU; null for none or unknown. */
  gpu: string | null;
}

/** The lengths of earlier starts, kept in the state file. */
export interface LoadMemory {
  /** What a start is expected to take; null where none of its case is remembered. */
  expected(of: LoadCase, firstRun: boolean, load: Pick<LoadProgress, 'cached'>): LoadDurations | null;
  /** Keeps what a start took that was answered in the end. */
  remember(
    of: LoadCase,
    firstRun: boolean,
    load: Pick<LoadProgress, 'cached'>,
    took: LoadDurations,
    at: string,
  ): Promise<void>;
}

/** Makes a memory over its section of the state file. */
export function createLoadMemory(section: StateSection<LoadTimes>): LoadMemory {
  return {
    expected(of, firstRun, load) {
      const entry = section.get()[keyOf(of)];
      return entry === undefined ? null : expectedOf(entry, firstRun, load.cached);
    },
    async remember(of, firstRun, load, took, at) {
      const { [keyOf(of)]: before, ...others } = section.get();
      const compiled = load.cached === false ? took.compile : undefined;
      const compileMs = compiled ?? before?.compileMs;
      const entry: LoadTimesEntry = {
        ...before,
        [firstRun ? 'fresh' : 'again']: took,
        ...(compileMs === undefined ? {} : { compileMs }),
        at,
      };
      const kept = Object.entries(others)
        .sort(([, a], [, b]) => b.at.localeCompare(a.at))
        .slice(0, ENTRIES_KEPT - 1);
      await section.set(Object.fromEntries([...kept, [keyOf(of), entry]]));
    },
  };
}

/**
 * The run of the same kind; of the other kind where that is all there is. A compilation is expected to be cached, because an
 * earlier start got through it; a log that says otherwise brings its full length back. Pure.
 */
function expectedOf(entry: LoadTimesEntry, firstRun: boolean, cached: boolean | null): LoadDurations | null {
  const same = firstRun ? entry.fresh : entry.again;
  const other = firstRun ? entry.again : entry.fresh;
  const base = same ?? other;
  if (base === undefined) return null;
  const read = firstRun ? readAgain(base, entry.again) : same === undefined ? readWarm(base) : {};
  const cold = entry.compileMs;
  if (cold === undefined || base.compile === undefined) return { ...base, ...read };
  if (cached === false) return { ...base, ...read, compile: cold };
  if (base.compile !== cold) return { ...base, ...read };
  const warm = other?.compile ?? cold;
  const compile = warm !== cold ? warm : cold * CACHED_COMPILE_SHARE;
  return { ...base, ...read, compile };
}

/** A second run after a first one finds its programs in memory. */
function readWarm({ config }: LoadDurations): LoadDurations {
  return config === undefined ? {} : { config: config * SECOND_RUN_SHARE };
}

/** A new container finds in memory what the first of all had to read from the disk, as far as a second run tells. */
function readAgain(fresh: LoadDurations, again: LoadDurations | undefined): LoadDurations {
  const shorter = (phase: 'config' | 'load weights'): LoadDurations => {
    const [first, second] = [fresh[phase], again?.[phase]];
    return first === undefined || second === undefined
      ? {}
      : { [phase]: Math.min(first, second / SECOND_RUN_SHARE) };
  };
  return { ...shorter('config'), ...shorter('load weights') };
}

function keyOf(of: LoadCase): string {
  return JSON.stringify([of.model, of.image, of.gpu]);
}
