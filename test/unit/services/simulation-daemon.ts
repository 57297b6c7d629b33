import { Compile } from 'typebox/compile';
import type { ComposeProject } from '../../../src/compose/service-spec.ts';
import { specHash } from '../../../src/compose/spec-hash.ts';
import type { Engine } from '../../../src/docker/engine.ts';
import { containerLabels } from '../../../src/docker/labels.ts';
import type { Log } from '../../../src/lib/log.ts';
import { openStateStore, type StateSection } from '../../../src/lib/state-store.ts';
import { EMPTY_MEMORY, type ServicesMemory, ServicesMemorySchema } from '../../../src/services/memory.ts';
import type { SupervisorParts } from '../../../src/services/room.ts';
import { createSupervisor } from '../../../src/services/supervisor.ts';
import type { Probe, Supervisor } from '../../../src/services/types.ts';
import type { ScriptedEngine } from '../../support/scripted-engine.ts';
import { mountSimulatedFiles, type SimulatedFiles } from '../../support/simulated-files.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';
import { READY_AFTER_MS, type Tally } from './simulation-oracle.ts';

const STATE_FILE = '/var/lib/ai-sandbox/state.json';
const PROBE_DEADLINE_MS = 10_000;
/** What changed is on disk so long after it can be written at the latest. */
const WRITTEN_WITHIN_MS = 30_000;

const MEMORY = Compile(ServicesMemorySchema);
const KILLED = new Error('the daemon was killed');
/** Nothing is ever heard of a call whose daemon has died. */
const NEVER = new Promise<never>(() => {});

/** The real loop over the real state store: lives, dies between any two of its calls, and is born again. */
export interface SimulatedDaemon {
  readonly files: SimulatedFiles;
  /** Null while it is dead. */
  readonly supervisor: Supervisor | null;
  readonly bornAt: number;
  /** What it changed before this is on disk. */
  savedUntil(): number;
  boot(bootId: string): Promise<void>;
  /** It does nothing more, from this very moment. `lands`: whether what it has under way at the disk happens. */
  die(lands: () => boolean): void;
  /** The state file is deleted; only while it is dead. */
  loseState(): void;
  /** Fails when the state cannot be read, or was not written for too long. `goodSince`: since when the disk works. */
  checkState(goodSince: number | null): void;
}

/** A create call reduced to what the scripted engine reads. */
const createRequest: SupervisorParts['createRequest'] = (project, service, hash, extras) => ({
  name: service.containerName,
  body: { Image: service.image, Labels: containerLabels(project, service, hash, extras.imageId) },
  laterNetworks: [],
});

/** Makes a daemon that is not born yet. */
export function createSimulatedDaemon(parts: {
  clock: VirtualClock;
  engine: ScriptedEngine;
  tally: Tally;
  fail(message: string): void;
  log: Log;
  desired(): ComposeProject;
  /** It has read its state, and does nothing yet. */
  born(supervisor: Supervisor): void;
  room: Pick<SupervisorParts, 'diagnose' | 'heal'>;
}): SimulatedDaemon {
  const { clock, engine, tally, fail } = parts;
  const files = mountSimulatedFiles();
  let ended = new AbortController();
  /** Counts the lives; what belongs to an earlier one has no effect. */
  let life = 0;
  let supervisor: Supervisor | null = null;
  let bornAt = 0;
  /** What the store was handed since the last write that it reported as done, which is the first. */
  let handed: { text: string; at: number }[] = [{ text: JSON.stringify(EMPTY_MEMORY), at: 0 }];
  let checkedText: string | undefined;

  /** The engine as this life reaches it. */
  const engineOf = (own: number): Engine =>
    new Proxy(engine, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (own !== life) return NEVER;
          const answer: unknown = member.apply(target, args);
          if (own === life || !(answer instanceof Promise)) return answer;
          answer.catch(() => undefined);
          return NEVER;
        };
      },
    });
  const sectionOf = (own: number, section: StateSection<ServicesMemory>): StateSection<ServicesMemory> => ({
    get: section.get,
    set(value) {
      if (own !== life) return NEVER;
      const entry = { text: JSON.stringify(value), at: clock.monotonicMs() };
      handed.push(entry);
      const written = section.set(value);
      const done = () => {
        const place = own === life ? handed.indexOf(entry) : -1;
        if (place > 0) handed = handed.slice(place);
      };
      written.then(done, () => undefined);
      return written;
    },
  });
  const probe: Probe = async ({ addresses }, signal) => {
    const found = [...engine.containers.values()].find(
      ({ facts, address }) => facts.state === 'running' && address === addresses[0]?.host,
    );
    if (found?.hung === true) {
      await clock.sleep(PROBE_DEADLINE_MS, signal);
      return { ready: false, alive: false, detail: 'no answer within 10 s', finding: null };
    }
    const ready = found != null && clock.monotonicMs() - (found.startedAtMs ?? 0) >= READY_AFTER_MS;
    return { ready, alive: ready, detail: ready ? '' : 'refused', finding: null };
  };
  /** Only what the store was handed after the last write that it reported may be found. */
  const takeLoaded = (memory: ServicesMemory) => {
    const text = JSON.stringify(memory);
    tally.loads += 1;
    if (!handed.some((entry) => entry.text === text))
      fail('the state that was read is none that was written');
    handed = [{ text, at: clock.monotonicMs() }];
  };

  return {
    files,
    get supervisor() {
      return supervisor;
    },
    get bornAt() {
      return bornAt;
    },
    savedUntil: () => handed[1]?.at ?? clock.monotonicMs(),
    async boot(bootId) {
      const own = ++life;
      ended = new AbortController();
      const store = await openStateStore(STATE_FILE, clock);
      const section = store.section('services', ServicesMemorySchema, EMPTY_MEMORY);
      if (store.quarantined !== null) fail(`the state was set aside: ${store.quarantined.reason}`);
      takeLoaded(section.get());
      const made = createSupervisor({
        ...parts.room,
        engine: engineOf(own),
        clock,
        log: parts.log,
        memory: sectionOf(own, section),
        specHash,
        createRequest,
        probes: { api: probe, ui: probe },
        bootId,
        settings: { silenceLimitMs: 600_000, pingIntervalMs: 20_000 },
      });
      bornAt = clock.monotonicMs();
      supervisor = made;
      made.setDesired({ project: parts.desired(), overrides: {} });
      parts.born(made);
      void made.run(ended.signal);
    },
    die(lands) {
      if (supervisor === null) return;
      life += 1;
      supervisor = null;
      tally.deaths += 1;
      files.kill(lands);
      ended.abort(KILLED);
    },
    loseState() {
      files.remove(STATE_FILE);
      handed = [{ text: JSON.stringify(EMPTY_MEMORY), at: clock.monotonicMs() }];
    },
    checkState(goodSince) {
      const unsaved = handed[1];
      const waitsSince = Math.max(unsaved?.at ?? 0, goodSince ?? 0, bornAt);
      if (supervisor !== null && unsaved !== undefined && goodSince !== null) {
        const waited = clock.monotonicMs() - waitsSince;
        if (waited > WRITTEN_WITHIN_MS) fail(`the state was not written for ${waited} ms`);
      }
      const text = files.read(STATE_FILE);
      if (text === checkedText || text === undefined) return;
      checkedText = text;
      tally.stateChecks += 1;
      const state = parse(text);
      if (!MEMORY.Check(state?.sections?.services)) fail('the state file cannot be read');
    },
  };
}

function parse(text: string): { sections?: { services?: unknown } } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
