import type { ScriptedContainer } from '../../support/scripted-engine.ts';
import type { Cause, Name } from './simulation-faults.ts';

/** Longer than three probes at the pace of a start. */
export const READY_AFTER_MS = 7_000;

/** Waits of the curve as the design states them, on purpose not those of the code: counted failures → seconds. */
const CURVE_SECONDS = [0, 0, 10, 20, 40, 80, 160, 300];
/** Waits after starts that the engine refused: refusals in a row → seconds, at most half a minute. */
const REFUSED_SECONDS = [0, 0.5, 2, 10, 20, 30];
/** How much earlier than its wait a start may come: what calls and events take. */
const TOLERANCE_MS = 500;
/** Health for so long may have ended the curve; the daemon sees it some seconds later. */
const RESET_MS = 590_000;
/** The engine is lost: an exit just before may be laid at its door. The longest that a loss goes unnoticed is in it. */
const BLAME_MS = 26_000;
/** After a hang its container is judged again when three misses cannot hide any more. */
const HANG_ECHO_MS = 70_000;

/** Starts of one run of failures that a cause of class fatal may have: the first, and the one that is made at once. */
const FATAL_STARTS = 2;
/** Starts within half an hour that a settled loop or a cause in the machine may have: five, and the slow pace. */
const SETTLED_STARTS = 12;
const SETTLED_WINDOW_MS = 1_800_000;
/** Further starts that one other fault may cost a sick service. */
const EXCUSED_STARTS = 6;

/** What a service dies of, run after run. */
interface Sickness {
  cause: Cause;
  afterSeconds: number;
  /** Whether the heal that belongs to the cause helps. */
  curable: boolean;
  starts: number[];
  heals: number;
  excused: number;
}

/** How often the oracle had something to say. */
export interface Tally {
  /** Starts of containers that had ended. */
  restarts: number;
  /** Of these: with a wait that must not be skipped; at once, for a reason; not known. */
  waited: number;
  atOnce: number;
  unknown: number;
  refusedWaits: number;
  /** Calls that end a running container, and those of them that somebody or something asked for. */
  touches: number;
  touchesExcused: number;
  /** Looks at a running container of a wanted service, and those at which no end of it would be excused. */
  running: number;
  guarded: number;
  creations: number;
  creationsBeside: number;
  deaths: number;
  deathsInCall: number;
  loads: number;
  stateChecks: number;
  slices: number;
}

export const newTally = (): Tally => ({
  restarts: 0,
  waited: 0,
  atOnce: 0,
  unknown: 0,
  refusedWaits: 0,
  touches: 0,
  touchesExcused: 0,
  running: 0,
  guarded: 0,
  creations: 0,
  creationsBeside: 0,
  deaths: 0,
  deathsInCall: 0,
  loads: 0,
  stateChecks: 0,
  slices: 0,
});

interface CountedFailure {
  at: number;
  /** When the daemon knows of it for certain. */
  noticedAt: number;
}

/**
 * What the simulation itself knows of a service, independent of the supervisor. Failures in a row are counted from below: one
 * that the daemon may excuse, or may never have seen, does not count, so that every wait is at least the one expected here.
 */
export interface Oracle {
  /** Null: the daemon died before it could write the answer down. */
  wanted: boolean | null;
  sick: Sickness | null;
  /** A user asks with `ask`, whose promise settles with the action. */
  asks(action: 'start' | 'stop' | 'restart', ask: () => Promise<void>): Promise<void>;
  /** Its part of the file is another one. */
  changed(): void;
  started(): void;
  /** Its container ends. `noticedAt`: when the daemon counts that for certain; null: it may excuse it. */
  ended(container: ScriptedContainer, noticedAt: number | null, byItself: boolean): void;
  /** Somebody else starts or removes the container: an end that nobody noticed yet is not seen any more. */
  unseen(): void;
  refused(): void;
  /** The engine is away, or looks as if it were. */
  engineLost(): void;
  /** The daemon dies; what it noticed since `lostSince` is not on disk. `rebooted`: with its machine. */
  daemonDied(lostSince: number, rebooted: boolean): void;
  daemonBorn(wanted: boolean): void;
  stateLost(): void;
  wallJumped(): void;
  /** Another fault happens beside a sickness. */
  excuse(): void;
  judgeStart(container: ScriptedContainer): void;
  /** Whether somebody may end this container though it is well. */
  judgeTouch(call: string, container: ScriptedContainer, fileChanged: boolean): void;
  /** Counts whether an end of this running container would be excused. */
  note(container: ScriptedContainer, fileChanged: boolean): void;
  /** A heal was tried; whether it helped. */
  healed(): boolean;
  hangs(container: ScriptedContainer): void;
  /** Until then its container may be made anew because of what it died of. */
  mayBeMadeAnewFor(ms: number): void;
}

/** Makes the oracle of a service that is wanted and was never started. */
export function createOracle(parts: {
  name: Name;
  now(): number;
  fail(message: string): void;
  tally: Tally;
}): Oracle {
  const { name, now, fail, tally } = parts;
  let failures: CountedFailure[] = [];
  /** No start before this, and why. */
  let notBefore = Number.NEGATIVE_INFINITY;
  /** The latest end has a reason to be answered at once, or counts. */
  let known = true;
  let refusals = 0;
  let refusedAt = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let jumped = false;
  let hungUntil = Number.NEGATIVE_INFINITY;
  let anewUntil = Number.NEGATIVE_INFINITY;
  let asking: object | null = null;
  const hanging = new Map<string, number>();

  const freshStart = () => {
    failures = [];
    notBefore = Number.NEGATIVE_INFINITY;
    known = true;
    refusals = 0;
  };
  /** Failures from the last `index` on may be unknown to the daemon. */
  const doubt = (isDoubtful: (failure: CountedFailure) => boolean) => {
    const kept = failures.filter((failure) => !isDoubtful(failure));
    if (kept.length === failures.length) return;
    failures = kept;
    notBefore = Number.NEGATIVE_INFINITY;
    known = false;
  };
  const due = () => CURVE_SECONDS[Math.min(failures.length, CURVE_SECONDS.length - 1)]! * 1_000;

  const isExcused = (fileChanged: boolean) => asking !== null || fileChanged || now() < anewUntil;
  const isGuarded = (container: ScriptedContainer, fileChanged: boolean) =>
    oracle.wanted === true && !container.hung && now() - hungUntil > HANG_ECHO_MS && !isExcused(fileChanged);

  const judgeSickStart = (sick: Sickness) => {
    sick.starts = [...sick.starts.filter((start) => now() - start < SETTLED_WINDOW_MS), now()];
    const count = sick.starts.length;
    if (sick.cause === 'fatal' && count > FATAL_STARTS + sick.excused) {
      fail(`${name} was started ${count} times on a fatal cause`);
    }
    if (count > SETTLED_STARTS + sick.excused) {
      fail(`${name} was started ${count} times in half an hour on ${sick.cause}`);
    }
    if (sick.heals > 1 + sick.excused) fail(`${name} was healed ${sick.heals} times of ${sick.cause}`);
  };

  const oracle: Oracle = {
    wanted: true,
    sick: null,
    asks(action, ask) {
      const token = {};
      oracle.wanted = action !== 'stop';
      askedAt = now();
      if (action !== 'stop') freshStart();
      asking = action === 'restart' ? token : null;
      const settled = () => {
        if (asking === token) asking = null;
      };
      const done = ask();
      done.then(settled, settled);
      return done;
    },
    changed: freshStart,
    started() {
      refusals = 0;
      if (oracle.sick !== null) judgeSickStart(oracle.sick);
    },
    ended(container, noticedAt, byItself) {
      const ranUntil = hanging.get(container.facts.id) ?? now();
      hanging.delete(container.facts.id);
      if (container.startedAtMs !== null && ranUntil - container.startedAtMs - READY_AFTER_MS > RESET_MS) {
        failures = [];
      }
      if (container.hung) hungUntil = now();
      known = noticedAt !== null || !byItself;
      if (noticedAt === null) {
        notBefore = Number.NEGATIVE_INFINITY;
        return;
      }
      failures.push({ at: now(), noticedAt });
      jumped = false;
      notBefore = now() + due();
    },
    unseen() {
      doubt((failure) => failure.noticedAt > now());
    },
    refused() {
      refusals += 1;
      refusedAt = now();
    },
    engineLost() {
      refusals = 0;
      const latest = failures.at(-1);
      if (latest === undefined) return;
      if (jumped || now() - latest.at < BLAME_MS) doubt((failure) => failure === latest);
    },
    daemonDied(lostSince, rebooted) {
      refusals = 0;
      asking = null;
      oracle.excuse();
      doubt((failure) => failure.noticedAt >= lostSince);
      if (askedAt >= lostSince) oracle.wanted = null;
      if (jumped || rebooted) notBefore = Number.NEGATIVE_INFINITY;
    },
    daemonBorn(wanted) {
      if (oracle.wanted === null) oracle.wanted = wanted;
      else if (oracle.wanted !== wanted) fail(`${name} is wanted: ${wanted}, which nobody asked for`);
    },
    stateLost() {
      freshStart();
      oracle.wanted = true;
    },
    wallJumped() {
      jumped = true;
    },
    excuse() {
      if (oracle.sick !== null) oracle.sick.excused += EXCUSED_STARTS;
    },
    judgeStart(container) {
      if (oracle.wanted === false) fail(`${name} was started though a user stopped it`);
      const early = notBefore - TOLERANCE_MS - now();
      if (container.facts.state === 'exited') {
        tally.restarts += 1;
        if (Number.isFinite(notBefore) && due() > 0) tally.waited += 1;
        else if (known) tally.atOnce += 1;
        else tally.unknown += 1;
      }
      if (early > 0) {
        fail(`${name} was started ${early} ms too early after failure ${failures.length} in a row`);
      }
      const refusedWait = REFUSED_SECONDS[Math.min(refusals, REFUSED_SECONDS.length - 1)]! * 1_000;
      if (refusals > 0) tally.refusedWaits += 1;
      if (refusals > 0 && now() < refusedAt + refusedWait - TOLERANCE_MS) {
        fail(`${name} was started ${now() - refusedAt} ms after refusal ${refusals} in a row`);
      }
    },
    judgeTouch(call, container, fileChanged) {
      if (container.facts.state !== 'running') return;
      tally.touches += 1;
      if (isExcused(fileChanged)) tally.touchesExcused += 1;
      if (isGuarded(container, fileChanged)) fail(`${call} of a healthy ${name}`);
    },
    note(container, fileChanged) {
      tally.running += 1;
      if (isGuarded(container, fileChanged)) tally.guarded += 1;
    },
    healed() {
      if (oracle.sick === null) return false;
      oracle.sick.heals += 1;
      return oracle.sick.curable;
    },
    hangs(container) {
      hanging.set(container.facts.id, now());
    },
    mayBeMadeAnewFor(ms) {
      anewUntil = now() + ms;
    },
  };
  return oracle;
}
