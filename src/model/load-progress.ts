import { LOAD_PHASES, type LoadMark, type LoadPhase } from './load-line.ts';

/** Milliseconds that each phase of a start takes; a phase that does not happen has none. */
export type LoadDurations = Partial<Record<LoadPhase, number>>;

/** How far the start of an engine is. Times are milliseconds of one monotonic clock. */
export interface LoadProgress {
  startedMs: number;
  phase: LoadPhase;
  phaseSinceMs: number;
  /** What the log itself says of the phase, 0 to 1; null where it says nothing. */
  fraction: number | null;
  /** What landmarks say of a phase without a bar: at least so much is done, 0 to 1. */
  atLeast: number;
  /** When the fraction last rose. */
  fractionAtMs: number;
  /** How long the phases that are over took. */
  spent: LoadDurations;
  /** Compiled graphs came from a cache; null: not said yet. */
  cached: boolean | null;
  eager: boolean;
}

/** What is shown of a load. */
export interface LoadView {
  phase: LoadPhase;
  /** 0 to below 100: only the answered chat ends a load. */
  percent: number;
  /** Seconds left; null where no earlier start tells. */
  etaSeconds: number | null;
}

/**
 * Shares where nothing is remembered, as lengths in milliseconds: facts of public reports of 7B models on one GPU (ready in
 * 40 s to 150 s, half of it weights, a quarter compilation). They shape the bar; no estimate is made of them.
 */
const USUAL_MS: Readonly<Record<LoadPhase, number>> = {
  config: 15_000,
  'load weights': 50_000,
  compile: 25_000,
  'memory profiling': 5_000,
  graphs: 15_000,
  serving: 2_000,
};

/** From this share of its known length on, a silent phase nears its end ever more slowly. */
const STEADY_SHARE = 0.9;
/** A phase that takes longer than known has at least this share of its present length still to go. */
const OVERDUE_SHARE = 0.1;
/** A reported fraction below this says too little of the pace. */
const TELLING_FRACTION = 0.1;
/** Phases that are over tell the pace of a start when they were to take so long, and did: less is a log that was read late. */
const TELLING_LENGTH_MS = 2_000;
/** Longest percent of a load that has not answered yet. */
const UNANSWERED_PERCENT = 99;

/** A start that has just begun. */
export function newLoad(startedMs: number): LoadProgress {
  return {
    startedMs,
    phase: 'config',
    phaseSinceMs: startedMs,
    fraction: null,
    atLeast: 0,
    fractionAtMs: startedMs,
    spent: {},
    cached: null,
    eager: false,
  };
}

/** The progress after a line of the log; the same object where nothing moved. Phases only go on. Pure. */
export function takeMark(load: LoadProgress, mark: LoadMark, atMs: number): LoadProgress {
  const eager = load.eager || mark.eager === true;
  const cached = mark.cached ?? load.cached;
  const phase = mark.phase === 'compile' && eager ? 'memory profiling' : mark.phase;
  const fraction = mark.fraction ?? null;
  if (rank(phase) > rank(load.phase)) {
    const spent = { ...load.spent, [load.phase]: Math.max(0, atMs - load.phaseSinceMs) };
    const began = { phase, phaseSinceMs: atMs, fraction, fractionAtMs: atMs, atLeast: mark.atLeast ?? 0 };
    return { ...load, eager, cached, spent, ...began };
  }
  const same = phase === load.phase;
  const moved = same && fraction !== null && fraction > (load.fraction ?? -1);
  const atLeast = same ? Math.max(load.atLeast, mark.atLeast ?? 0) : load.atLeast;
  if (!moved && atLeast === load.atLeast && eager === load.eager && cached === load.cached) return load;
  const kept = { ...load, eager, cached, atLeast };
  return moved ? { ...kept, fraction, fractionAtMs: atMs } : kept;
}

/** All phases of a load that has just been answered, with the lengths that are worth remembering. Pure. */
export function finishedDurations(load: LoadProgress, nowMs: number): LoadDurations {
  return { ...load.spent, [load.phase]: Math.max(0, nowMs - load.phaseSinceMs) };
}

/** The bar and the estimate of a load. `expected` is what this machine's earlier starts took; null: none is known. Pure. */
export function loadView(load: LoadProgress, expected: LoadDurations | null, nowMs: number): LoadView {
  const lengths = expected ?? { ...USUAL_MS, ...(load.eager ? { compile: 0, graphs: 0 } : {}) };
  const lengthOf = (phase: LoadPhase) => lengths[phase] ?? 0;
  const total = LOAD_PHASES.reduce((sum, phase) => sum + lengthOf(phase), 0);
  const before = LOAD_PHASES.filter((phase) => rank(phase) < rank(load.phase)).reduce(
    (sum, phase) => sum + lengthOf(phase),
    0,
  );
  const own = lengthOf(load.phase);
  const share = total === 0 ? 0 : (before + own * phaseFraction(load, own, nowMs)) / total;
  return {
    phase: load.phase,
    percent: Math.min(UNANSWERED_PERCENT, Math.floor(share * 1000) / 10),
    etaSeconds: expected === null ? null : remainingMs(load, lengths, nowMs) / 1000,
  };
}

/** How long the present phase may be silent without being stuck: what is known of it and half as much again. */
export function allowedSilenceMs(load: LoadProgress, expected: LoadDurations | null): number {
  return (expected?.[load.phase] ?? 0) * 1.5;
}

/** What the log says, else time against the known length, which comes near the end and never reaches it. */
function phaseFraction(load: LoadProgress, lengthMs: number, nowMs: number): number {
  const passed = lengthMs <= 0 ? 0 : (nowMs - load.phaseSinceMs) / lengthMs;
  if (load.fraction !== null) return load.fraction;
  if (passed <= STEADY_SHARE) return Math.max(load.atLeast, passed, 0);
  const late = 1 - (1 - STEADY_SHARE) * Math.exp(-(passed - STEADY_SHARE) / STEADY_SHARE);
  return Math.max(load.atLeast, late);
}

function remainingMs(load: LoadProgress, lengths: LoadDurations, nowMs: number): number {
  const pace = paceOf(load, lengths);
  const later = LOAD_PHASES.filter((phase) => rank(phase) > rank(load.phase)).reduce(
    (sum, phase) => sum + pace * (lengths[phase] ?? 0),
    0,
  );
  const passed = Math.max(0, nowMs - load.phaseSinceMs);
  const known = Math.max(pace * (lengths[load.phase] ?? 0) - passed, passed * OVERDUE_SHARE);
  if (load.fraction === null || load.fraction < TELLING_FRACTION) return later + known;
  // The pace up to the last state of the bar, less what has passed since.
  const length = (load.fractionAtMs - load.phaseSinceMs) / load.fraction;
  const left = load.phaseSinceMs + length - nowMs;
  return later + Math.max(left, load.fraction >= 1 ? 0 : (nowMs - load.fractionAtMs) * OVERDUE_SHARE);
}

/**
 * How much longer than known the rest of this start is expected to take, by the phases that are over. What slowed them may hold on
 * (a busy CPU) or be over with them (files that had to be read from the disk): the geometric mean of both is expected.
 */
function paceOf(load: LoadProgress, lengths: LoadDurations): number {
  const over = LOAD_PHASES.filter((phase) => load.spent[phase] !== undefined && lengths[phase] !== undefined);
  const sum = (of: LoadDurations) => over.reduce((all, phase) => all + (of[phase] ?? 0), 0);
  const [took, known] = [sum(load.spent), sum(lengths)];
  return Math.min(took, known) < TELLING_LENGTH_MS ? 1 : Math.sqrt(took / known);
}

function rank(phase: LoadPhase): number {
  return LOAD_PHASES.indexOf(phase);
}
