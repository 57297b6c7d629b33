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

const RunSchema = Type.Object({
  ...DurationsSchema.properties,
  /** Whether its log said that the compiled graphs came from a cache; absent: it did not say. */
  cached: Type.Optional(Type.Boolean()),
});
type Run = Static<typeof RunSchema>;

/** What the latest starts of one model with one image on one GPU took. */
const LoadTimesEntrySchema = Type.Object({
  /** The latest start that found nothing compiled: the first of all, mostly. */
  cold: Type.Optional(RunSchema),
  /** The first run of a later container: compiled code is on the host, its programs are not warm. */
  fresh: Type.Optional(RunSchema),
  /** A further run of a container. */
  again: Type.Optional(RunSchema),
  /** RFC 3339 time of the latest of them; the oldest entries go first. */
  at: Type.String(),
});
type LoadTimesEntry = Static<typeof LoadTimesEntrySchema>;

/** The part of the state file with the lengths of earlier starts. */
export const LoadTimesSchema = Type.Record(Type.String(), LoadTimesEntrySchema);
type LoadTimes = Static<typeof LoadTimesSchema>;

/** Combinations that are remembered. */
const ENTRIES_KEPT = 20;
/**
 * What is left of a cold compilation in a later run of the same container, and in a new container. On a GPU the graphs come whole
 * from the cache (48 s became about 7 s). On a CPU they are made again from parts that are cached: 38 s became 15 s and 24 s, and by
 * the lengths of whole starts about 0.26 and 0.37 was left in two other runs, 0.44 and 0.6 in a new container (vLLM 0.32); the means.
 */
const WARM_COMPILE_SHARE = { gpu: { again: 0.15, fresh: 0.15 }, cpu: { again: 0.33, fresh: 0.55 } };
/** A container's second run finds Python's byte code and the file cache: 61 s became 33 s without compilation (0.32, CPU). */
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
      return entry === undefined ? null : expectedOf(entry, of, firstRun, load.cached);
    },
    async remember(of, firstRun, load, took, at) {
      const { [keyOf(of)]: before, ...others } = section.get();
      const run: Run = load.cached === null ? took : { ...took, cached: load.cached };
      const kind = isCold(before, load.cached) ? 'cold' : firstRun ? 'fresh' : 'again';
      const kept = Object.entries(others)
        .sort(([, a], [, b]) => b.at.localeCompare(a.at))
        .slice(0, ENTRIES_KEPT - 1);
      await section.set(Object.fromEntries([...kept, [keyOf(of), { ...before, [kind]: run, at }]]));
    },
  };
}

/**
 * Whether a start found nothing compiled, by its log. That is believed of the first of all, and where warm starts said the
 * opposite: vLLM on a CPU says it of every start, the warm ones too (0.32).
 */
function isCold(before: LoadTimesEntry | undefined, cached: boolean | null): boolean {
  if (cached !== false) return false;
  return before === undefined || before.fresh?.cached === true || before.again?.cached === true;
}

/** The latest start of the same kind; what another kind tells of it where there is none. Pure. */
function expectedOf(
  entry: LoadTimesEntry,
  of: LoadCase,
  firstRun: boolean,
  cached: boolean | null,
): LoadDurations | null {
  const { cold, fresh, again } = entry;
  const base = firstRun ? (fresh ?? cold ?? again) : (again ?? fresh ?? cold);
  if (base === undefined) return null;
  const { cached: _, ...lengths } = base;
  const read = firstRun ? readAgain(base, again) : again === undefined ? readWarm(base) : {};
  const compile = compileOf(entry, of, firstRun, cached) ?? lengths.compile;
  return { ...lengths, ...read, ...(compile === undefined ? {} : { compile }) };
}

/** How long the compilation will take, in milliseconds; undefined where no cold one or none at all is known. */
function compileOf(
  { cold, fresh, again }: LoadTimesEntry,
  of: LoadCase,
  firstRun: boolean,
  cached: boolean | null,
): number | undefined {
  const full = cold?.compile;
  const warm = firstRun ? fresh : again;
  const other = firstRun ? again : fresh;
  const known = warm ?? other;
  // A log that says "not cached" tells something only where warm starts say the opposite.
  if (full !== undefined && cached === false && (known === undefined || known.cached === true)) return full;
  if (warm !== undefined && !(cached === true && warm.cached === false)) return warm.compile;
  const shares = of.gpu === null ? WARM_COMPILE_SHARE.cpu : WARM_COMPILE_SHARE.gpu;
  const [own, others] = firstRun ? [shares.fresh, shares.again] : [shares.again, shares.fresh];
  if (other?.compile !== undefined) return other.compile * (own / others);
  return full === undefined ? undefined : full * own;
}

/** A second run after a first one finds its programs in memory. */
function readWarm({ config }: LoadDurations): LoadDurations {
  return config === undefined ? {} : { config: config * SECOND_RUN_SHARE };
}

/** A new container finds in memory what the first of all had to read from the disk, as far as a second run tells. */
function readAgain(first: LoadDurations, again: LoadDurations | undefined): LoadDurations {
  const shorter = (phase: 'config' | 'load weights'): LoadDurations => {
    const [one, second] = [first[phase], again?.[phase]];
    return one === undefined || second === undefined
      ? {}
      : { [phase]: Math.min(one, second / SECOND_RUN_SHARE) };
  };
  return { ...shorter('config'), ...shorter('load weights') };
}

function keyOf(of: LoadCase): string {
  return JSON.stringify([of.model, of.image, of.gpu]);
}
