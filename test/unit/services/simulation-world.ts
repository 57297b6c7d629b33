import { COMPOSE_LABELS } from '../../../src/docker/labels.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createCallDesk } from './simulation-calls.ts';
import { createSimulatedDaemon, type SimulatedDaemon } from './simulation-daemon.ts';
import { NAMES, type Name } from './simulation-faults.ts';
import { createGround, ECHO_MS, type Ground, NOTICE_MS, TRACE } from './simulation-ground.ts';
import type { Tally } from './simulation-oracle.ts';
import { diagnoseLog, followRuns } from './simulation-runs.ts';

/** A new daemon has looked at everything after this. */
const SETTLING_MS = 5_000;
/** Of the steps at a good disk so many take their time, at most so long. */
const TARDY_SHARE = 0.1;
const TARDY_MS = 30;
const SLOW_MS = 4_000;

/** The ground, the daemon on it, and everything that may befall them. */
export interface World extends Ground {
  readonly daemon: SimulatedDaemon;
  /** Events are cut off from the daemon for so long. */
  cutEvents(ms: number): void;
  /** Somebody makes a second container of the service with docker compose. */
  addSecond(name: Name, running: boolean): void;
  /** Somebody takes the name of the service's container; what has it is renamed. Returns the id of the stranger. */
  addStranger(name: Name): string | null;
  /** Lets what has befallen the service befall the run that is under way. */
  doom(name: Name): void;
  /** The file is written and read anew. */
  changeFile(name: Name): void;
  /** The daemon dies now; its next start is left to the caller. */
  killDaemon(): void;
  /** The daemon dies at its `calls`-th call from now on, and is started again. */
  dieAfter(calls: number, downMs: number): void;
  bootDaemon(): Promise<void>;
  /** The daemon dies, and its state file is gone. */
  loseState(): void;
  cutPower(): void;
  stopEngine(keepContainers: boolean): void;
  startEngine(): void;
  /** Everybody's hand is taken off: no death to come, no trouble left but loops that end by themselves. */
  mend(): void;
  /** The disk works since then; null: it does not. */
  diskGoodSince(): number | null;
}

/** Makes a world whose daemon is not born yet. */
export function createWorld(chance: () => number, tally: Tally, fail: (message: string) => void): World {
  const ground = createGround(chance, tally, fail);
  const { clock, engine, oracles, troubles, now, trace } = ground;
  const runs = followRuns(ground);
  let death: { afterCalls: number; downMs: number } | null = null;
  let lives = 0;
  let boots = 1;
  let diskGoodSince: number | null = 0;

  /** The daemon is gone; what it noticed and could not write is not known any more. */
  const mourn = (rebooted: boolean) => {
    const savedUntil = Math.min(daemon.savedUntil(), now());
    for (const container of engine.containers.values()) {
      const note = ground.noteOf(container);
      if (note.followedFrom >= savedUntil) note.followedFrom = now() + ECHO_MS;
    }
    for (const name of NAMES) oracles[name].daemonDied(savedUntil, rebooted);
    ground.unsettle(SETTLING_MS);
    ground.alive = false;
    lives += 1;
  };
  const killDaemon = () => {
    if (daemon.supervisor === null) return;
    trace('the daemon dies');
    mourn(false);
    daemon.die(() => chance() < 0.5);
  };
  const bootDaemon = async () => {
    if (daemon.supervisor !== null) return;
    trace('the daemon is born');
    await daemon.boot(`boot-${boots}`);
  };
  /** True when this is the call at which the daemon dies. */
  const diesNow = (): boolean => {
    if (death === null || daemon.supervisor === null || --death.afterCalls >= 0) return false;
    const { downMs } = death;
    death = null;
    tally.deathsInCall += 1;
    killDaemon();
    clock.sleep(downMs).then(bootDaemon, () => undefined);
    return true;
  };

  const daemon = createSimulatedDaemon({
    clock,
    engine,
    tally,
    fail,
    log: TRACE ? { error: trace, warn: trace, info: trace, debug: trace } : silentLog,
    desired: () => ground.file,
    born(supervisor) {
      ground.alive = true;
      const { services } = supervisor.snapshot();
      for (const name of NAMES) oracles[name].daemonBorn(services[name]?.wanted ?? true);
    },
    room: {
      diagnose: ({ log }) => diagnoseLog(log),
      heal: (name) => {
        if (oracles[name as Name].healed()) ground.cure(name as Name);
        return true;
      },
    },
  });
  daemon.files.step = (step) => {
    if (diesNow()) return undefined;
    if (troubles.disk === 'full' && (step === 'open' || step === 'write')) {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    }
    if (troubles.disk === 'slow') return clock.sleep(1 + Math.floor(chance() * SLOW_MS));
    return chance() < TARDY_SHARE ? clock.sleep(1 + Math.floor(chance() * TARDY_MS)) : undefined;
  };

  createCallDesk(ground).attend(() => lives, diesNow);

  const world: World = Object.assign(ground, {
    daemon,
    doom: runs.doom,
    cutEvents(ms: number) {
      ground.unsettle(ms + NOTICE_MS);
      engine.cutEvents(ms);
    },
    addSecond(name: Name, running: boolean) {
      const labels = {
        [COMPOSE_LABELS.project]: ground.file.name,
        [COMPOSE_LABELS.service]: name,
        [COMPOSE_LABELS.configFiles]: ground.file.file,
        [COMPOSE_LABELS.oneOff]: 'False',
        [COMPOSE_LABELS.containerNumber]: '2',
      };
      const other = `${ground.file.name}-${name}-${engine.containers.size + 1}`;
      if (engine.byName(other) !== undefined || !engine.up) return;
      const id = engine.foreignCreate({ name: other, labels, restartPolicy: 'unless-stopped' });
      ground.noteOf(engine.containers.get(id)!).followedFrom = now() + ECHO_MS;
      if (running) engine.foreignStart(id);
    },
    addStranger(name: Name) {
      const taken = `ai-sandbox-${name}`;
      const holder = engine.byName(taken);
      if (!engine.up) return null;
      if (holder !== undefined && !engine.foreignRename(holder.facts.id, `${taken}-old`)) return null;
      const id = engine.foreignCreate({ name: taken });
      engine.foreignStart(id);
      return id;
    },
    changeFile(name: Name) {
      ground.renewFile(name);
      daemon.supervisor?.setDesired({ project: ground.file, overrides: {} });
    },
    killDaemon,
    dieAfter(afterCalls: number, downMs: number) {
      death = { afterCalls, downMs };
    },
    bootDaemon,
    loseState() {
      killDaemon();
      daemon.loseState();
      for (const container of engine.containers.values()) {
        ground.noteOf(container).followedFrom = now() + ECHO_MS;
      }
      for (const name of NAMES) oracles[name].stateLost();
    },
    cutPower() {
      trace('the power is cut');
      death = null;
      mourn(true);
      daemon.die(() => false);
      daemon.files.cutPower(() => chance() < 0.5);
      world.stopEngine(false);
      boots += 1;
    },
    stopEngine(keepContainers: boolean) {
      ground.loseEngine();
      engine.goDown({ keepContainers });
    },
    startEngine() {
      ground.loseEngine();
      engine.comeUp();
    },
    mend() {
      death = null;
      troubles.calls = null;
      troubles.disk = null;
      for (const name of NAMES) {
        troubles.refusedStarts[name] = 0;
        troubles.failingPulls[name] = 0;
      }
      engine.dropEvents = false;
      engine.eventDelayMs = 1;
    },
    diskGoodSince() {
      if (troubles.disk !== null) diskGoodSince = null;
      else diskGoodSince ??= now();
      return diskGoodSince;
    },
  });
  return world;
}
