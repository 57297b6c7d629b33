import type { ComposeProject } from '../../../src/compose/service-spec.ts';
import { specHash } from '../../../src/compose/spec-hash.ts';
import { COMPOSE_LABELS, SPEC_HASH_LABEL } from '../../../src/docker/labels.ts';
import {
  createScriptedEngine,
  type ScriptedContainer,
  type ScriptedEngine,
} from '../../support/scripted-engine.ts';
import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { type BadCall, NAMES, type Name } from './simulation-faults.ts';
import { createOracle, type Oracle, type Tally } from './simulation-oracle.ts';
import { project, service } from './support.ts';

/** A call that goes wrong may have its echo so long: its deadline, the next list, what follows from it. */
export const ECHO_MS = 45_000;
/** From an event to the call that it keeps from being made. */
const HEARING_MS = 50;
/** An event on its way, and the look that it wakes. */
export const NOTICE_MS = 100;

/** `AI_SANDBOX_TRACE=1` tells what happens, for the replay of a failure. */
export const TRACE = process.env['AI_SANDBOX_TRACE'] === '1';

/** What goes wrong until it is mended. */
interface Troubles {
  calls: { how: BadCall; count: number } | null;
  /** Runs that end by themselves after some seconds, by service. */
  loops: Record<Name, number>;
  brittle: Record<Name, { afterMs: number; times: number }>;
  refusedStarts: Record<Name, number>;
  failingPulls: Record<Name, number>;
  disk: 'full' | 'slow' | null;
}

/** What the simulation notes of a container. Times are monotonic milliseconds. */
interface Note {
  /** Which networks it is connected to. */
  networks: number;
  /** From when on the daemon knows it for one that it follows; before, its end may be a first sight. */
  followedFrom: number;
  /** Since when it is as it is. */
  since: number;
  /** When it last ended; null: never. */
  endedAt: number | null;
  /** It was asked to stop and not started since. */
  stopping: boolean;
}

/** Clock, engine and file, and what is known of them: the ground on which the daemon stands. */
export interface Ground {
  readonly clock: VirtualClock;
  readonly engine: ScriptedEngine;
  readonly oracles: Readonly<Record<Name, Oracle>>;
  readonly troubles: Troubles;
  readonly tally: Tally;
  /** The compose file as it is now. */
  file: ComposeProject;
  /** Whether a daemon lives. */
  alive: boolean;
  now(): number;
  chance(): number;
  fail(message: string): void;
  trace(line: string): void;
  noteOf(container: ScriptedContainer): Note;
  nameOf(container: ScriptedContainer | undefined): Name | null;
  /** All that carry the labels of the service. */
  containersOf(name: Name): ScriptedContainer[];
  /** The container of a service as anybody would name it: a running one before others. */
  container(name: Name): ScriptedContainer | undefined;
  /** The service's part of the file is another one from now on. */
  renewFile(name: Name): void;
  /** The container was not made from the file as it is now. */
  isOfOtherFile(name: Name, container: ScriptedContainer): boolean;
  pruneNetworks(): void;
  /** A network that it was connected to is gone, and one that is made again is another one. */
  isConnectedToNothing(container: ScriptedContainer): boolean;
  /** Nothing can be judged by the second for so long. */
  unsettle(ms?: number): void;
  /** The engine is away, or may be taken to be. */
  loseEngine(): void;
  isAway(): boolean;
  /** Calls, events and the daemon's life have been undisturbed for long enough to judge by the second. */
  isCalm(): boolean;
  /** It has been there for long enough that the daemon knows of it. */
  isSettled(container: ScriptedContainer): boolean;
  /** It runs, or ended so short a time ago that nobody can have been told. */
  seemsToRun(container: ScriptedContainer): boolean;
  /** What a service dies of is over. */
  cure(name: Name): void;
}

/** Makes an engine that has the images of the file, and nothing else. */
export function createGround(chance: () => number, tally: Tally, fail: (message: string) => void): Ground {
  const clock = createVirtualClock();
  const engine = createScriptedEngine(clock);
  const now = () => clock.monotonicMs();
  const revisions: Record<Name, number> = { api: 0, ui: 0 };
  const notes = new Map<string, Note>();
  let unsettledUntil = 0;
  let awayUntil = 0;
  let networks = 0;

  const readFile = () =>
    project(NAMES.map((name) => service(name, { command: [`revision ${revisions[name]}`] })));
  let hashes: Record<string, string> = {};
  const takeFile = (file: ComposeProject) => {
    hashes = Object.fromEntries(file.services.map((spec) => [spec.name, specHash(file, spec)]));
    return file;
  };

  const ground: Ground = {
    clock,
    engine,
    tally,
    oracles: {
      api: createOracle({ name: 'api', now, fail, tally }),
      ui: createOracle({ name: 'ui', now, fail, tally }),
    },
    troubles: {
      calls: null,
      loops: { api: 0, ui: 0 },
      brittle: { api: { afterMs: 0, times: 0 }, ui: { afterMs: 0, times: 0 } },
      refusedStarts: { api: 0, ui: 0 },
      failingPulls: { api: 0, ui: 0 },
      disk: null,
    },
    file: takeFile(readFile()),
    alive: false,
    now,
    chance,
    fail,
    trace(line) {
      if (TRACE) console.log(`${now()} ${line}`);
    },
    noteOf({ facts }) {
      const note = notes.get(facts.id) ?? {
        ...{ networks, followedFrom: now(), since: now() },
        ...{ endedAt: null, stopping: false },
      };
      notes.set(facts.id, note);
      return note;
    },
    nameOf(container) {
      const label = container?.facts.labels[COMPOSE_LABELS.service];
      return NAMES.find((name) => name === label) ?? null;
    },
    containersOf: (name) =>
      [...engine.containers.values()].filter((container) => ground.nameOf(container) === name),
    container(name) {
      const all = ground.containersOf(name);
      return all.find(({ facts }) => facts.state === 'running') ?? all[0];
    },
    renewFile(name) {
      revisions[name] += 1;
      ground.file = takeFile(readFile());
      ground.oracles[name].changed();
    },
    isOfOtherFile(name, { facts }) {
      const hash = facts.labels[SPEC_HASH_LABEL];
      return hash !== undefined && hash !== hashes[name];
    },
    pruneNetworks() {
      // Docker keeps what somebody uses.
      if ([...engine.containers.values()].some(({ facts }) => facts.state === 'running')) return;
      engine.networks.clear();
      networks += 1;
    },
    isConnectedToNothing: (container) => ground.noteOf(container).networks < networks,
    unsettle(ms = ECHO_MS) {
      unsettledUntil = Math.max(unsettledUntil, now() + ms);
    },
    loseEngine() {
      awayUntil = Math.max(awayUntil, now() + ECHO_MS);
      for (const name of NAMES) ground.oracles[name].engineLost();
    },
    isAway: () => !engine.up || now() <= awayUntil,
    isCalm: () =>
      ground.alive &&
      !engine.dropEvents &&
      engine.eventDelayMs === 1 &&
      now() > unsettledUntil &&
      !ground.isAway(),
    isSettled: (container) => ground.isCalm() && now() - ground.noteOf(container).since > ECHO_MS,
    seemsToRun(container) {
      const { endedAt } = ground.noteOf(container);
      const unheard = endedAt !== null && now() - endedAt <= engine.eventDelayMs + HEARING_MS;
      return container.facts.state === 'running' || unheard;
    },
    cure(name) {
      ground.trace(`${name} is cured`);
      ground.oracles[name].sick = null;
      for (const container of ground.containersOf(name)) container.log = [];
    },
  };
  for (const spec of ground.file.services) engine.images.add(spec.image);
  return ground;
}
