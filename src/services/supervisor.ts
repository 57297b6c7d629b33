import { errorMessage } from '../lib/errors.ts';
import type { Finding } from '../status/problem.ts';
import { act, settleActions } from './actions.ts';
import { createAlarm } from './alarm.ts';
import { createContainers } from './containers.ts';
import { adoptDesired } from './desired.ts';
import { createEngineLink, PING_INTERVAL_MS } from './engine-link.ts';
import { takeEvent } from './events.ts';
import { examine } from './exit-desk.ts';
import { blameEngine } from './exits.ts';
import { knownOf } from './known.ts';
import { launch } from './lanes.ts';
import { askImage, askParts, createLister, RELIST_INTERVAL_MS, sample } from './looking.ts';
import { createMemoryKeeper } from './memory-keeper.ts';
import { type DesiredServices, type Observation, observe } from './observe.ts';
import { type Plan, plan } from './plan.ts';
import { createReporter } from './reporter.ts';
import { type Room, type SupervisorParts, setUncertain } from './room.ts';
import { PROBE_MISSED_MS } from './run-watch.ts';
import { type Desired, type Gates, ServiceActionError, type Supervisor } from './types.ts';
import { endWatch, keepWatch, noteMovement } from './watches.ts';

export type { SupervisorParts } from './room.ts';

/** A look at everything happens at least this often, so that the watchdog can tell a stuck loop from a quiet one. */
const LONGEST_REST_MS = 5_000;

/**
 * The loop that keeps the services of the file alive: looks, plans, makes the steps, one lane a service, and looks again
 * whenever something happened. It never waits inside a look, so that nothing that hangs holds up anything else.
 */
export function createSupervisor(parts: SupervisorParts): Supervisor {
  const { clock, log } = parts;
  const ended = new AbortController();
  let looking = false;
  let lookAgain = false;
  let lookedAt = clock.monotonicMs();
  let afterwards: (() => void)[] = [];
  let running = false;
  let lastPlan: Plan = { steps: [], waitingFor: {} };

  const link = createEngineLink({
    engine: parts.engine,
    clock,
    intervalMs: parts.settings.pingIntervalMs ?? PING_INTERVAL_MS,
    signal: () => ended.signal,
    onLost: (finding) => lost(finding),
    onBack: () => back(),
    onAnswer: () => room.wake(),
  });
  const memory = createMemoryKeeper(parts.memory, log);
  const room: Room = {
    parts,
    containers: createContainers(),
    units: new Map(),
    images: new Map(),
    lanes: new Map(),
    rests: new Map(),
    memory,
    link,
    desired: null,
    overrides: {},
    gates: {},
    blocked: null,
    held: false,
    networks: null,
    volumes: null,
    askingParts: false,
    listWanted: true,
    gap: false,
    rebooted: memory.bootId !== null && memory.bootId !== parts.bootId,
    signal: ended.signal,
    seen: () => (room.desired === null ? null : seenBy(room.desired)),
    wake: () => look(),
    afterSteps: (work) => afterwards.push(work),
  };
  let latest: { desired: DesiredServices; version: number; seen: Observation } | null = null;
  /** Sorted anew only when something changed. */
  const seenBy = (desired: DesiredServices): Observation => {
    const version = room.containers.version();
    if (latest === null || latest.desired !== desired || latest.version !== version) {
      latest = { desired, version, seen: observe(desired, room.containers.all()) };
    }
    return latest.seen;
  };
  const reporter = createReporter(room, () => lastPlan.waitingFor);
  const alarm = createAlarm(clock, () => look());
  const lister = createLister(room, parts.settings.relistIntervalMs ?? RELIST_INTERVAL_MS, () => {
    listTaken();
  });

  const lost = (finding: Finding) => {
    log.error(`the Docker engine is lost: ${finding.detail}`);
    room.gap = true;
    for (const unit of room.units.values()) {
      // Its containers may have ended with it: only a probe can tell now.
      if (unit.watch !== null) unit.watch = { ...unit.watch, nextProbeAt: clock.monotonicMs() };
      const blamed = blameEngine(memory.of(unit.name), clock.now());
      if (blamed === null) continue;
      memory.set(unit.name, blamed);
      unit.restartAt = clock.monotonicMs();
      unit.exitFinding = null;
    }
  };
  const back = () => {
    log.info('the Docker engine answers again');
    room.gap = true;
    room.listWanted = true;
    room.networks = null;
    room.volumes = null;
    for (const unit of room.units.values()) {
      setUncertain(room, unit);
      unit.refusedUntil = clock.monotonicMs();
      unit.refusals = 0;
    }
    room.rests.clear();
  };
  /** Exits that the list shows are examined while the reasons that it may have are still known. */
  const listTaken = () => {
    examineAll();
    room.gap = false;
    room.rebooted = false;
    memory.setBootId(parts.bootId);
  };
  const examineAll = () => {
    const seen = room.seen();
    if (seen === null) return;
    for (const unit of room.units.values()) {
      if (!unit.uncertain) examine(room, unit, seen.services[unit.name]?.container ?? null);
    }
  };

  const look = () => {
    if (ended.signal.aborted || !running) {
      reporter.report();
      return;
    }
    lookAgain = looking;
    if (looking) return;
    looking = true;
    try {
      do {
        lookAgain = false;
        lookOnce();
      } while (lookAgain);
    } catch (error) {
      log.error(`the services could not be looked at: ${errorMessage(error)}`);
    } finally {
      looking = false;
      lookedAt = clock.monotonicMs();
      alarm.set(nextLookAt());
    }
  };

  const lookOnce = () => {
    const now = clock.monotonicMs();
    const { desired } = room;
    if (desired !== null && link.reachable === false) {
      probeSooner(now);
      watchAll(desired, seenBy(desired));
    }
    if (desired !== null && link.reachable !== false) {
      examineAll();
      const observed = seenBy(desired);
      watchAll(desired, observed);
      lastPlan = plan(desired, observed, knownOf(room, desired, observed), now);
      if (room.blocked === null && !room.held) {
        for (const step of lastPlan.steps) launch(room, step);
      }
      // Questions leave after the steps: nothing may stand between an exit and its restart.
      askForParts(observed);
      lister.due(now);
      for (const unit of room.units.values()) sample(room, unit, now);
      for (const unit of room.units.values()) {
        settleActions(room, unit, observed.services[unit.name], lastPlan.waitingFor[unit.name] ?? null);
      }
    }
    link.due(now);
    void memory.save();
    const work = afterwards;
    afterwards = [];
    for (const task of work) task();
    reporter.report();
  };

  /** No event tells of an end now, so that a ready service is asked as often as one that has missed a probe. */
  const probeSooner = (now: number) => {
    for (const unit of room.units.values()) {
      if (unit.watch === null || unit.watch.nextProbeAt <= now + PROBE_MISSED_MS) continue;
      unit.watch = { ...unit.watch, nextProbeAt: now + PROBE_MISSED_MS };
    }
  };

  const watchAll = (desired: DesiredServices, observed: Observation) => {
    for (const service of desired.services) {
      const unit = room.units.get(service.name);
      if (unit === undefined) continue;
      keepWatch(room, unit, service, observed.services[service.name]?.container ?? null);
    }
  };

  /** Images and networks matter only for a container that has to be made. */
  const askForParts = (observed: Observation) => {
    for (const service of room.desired?.services ?? []) {
      const seen = observed.services[service.name];
      const unit = room.units.get(service.name);
      if (!room.memory.of(service.name).wanted || unit === undefined) continue;
      const complete = seen?.container != null && seen.drift !== 'changed' && unit.recreate === null;
      if (complete) continue;
      askImage(room, service.image);
      askParts(room);
    }
  };

  const nextLookAt = (): number => {
    const now = clock.monotonicMs();
    let next = now + LONGEST_REST_MS;
    const sooner = (at: number | null | undefined) => {
      if (at !== null && at !== undefined && at < next) next = Math.max(at, now);
    };
    const later = (at: number) => {
      if (at > now) sooner(at);
    };
    sooner(link.nextAt);
    if (link.reachable === false) return next;
    sooner(lister.nextAt);
    for (const rest of room.rests.values()) later(rest.at);
    for (const unit of room.units.values()) {
      later(unit.restartAt);
      later(unit.refusedUntil);
      later(unit.sampleAfter);
      if (unit.watch !== null && !unit.probing) later(unit.watch.nextProbeAt);
    }
    return next;
  };

  const user = (kind: 'start' | 'stop' | 'restart', service: string) => act(room, kind, service);
  return {
    setDesired(desired: Desired) {
      adoptDesired(room, desired);
      look();
    },
    setGates(gates: Gates) {
      room.gates = gates;
      look();
    },
    setHeld(held) {
      room.held = held;
      look();
    },
    setEngineBlocked(finding) {
      room.blocked = finding;
      look();
    },
    snapshot: reporter.snapshot,
    onChange: reporter.onChange,
    start: (service) => user('start', service),
    stop: (service) => user('stop', service),
    restart: (service) => user('restart', service),
    noteProgress(service) {
      const unit = room.units.get(service);
      if (unit !== undefined) noteMovement(unit, clock.monotonicMs());
    },
    lastTickAgeMs: () => clock.monotonicMs() - lookedAt,
    async run(signal) {
      signal.throwIfAborted();
      running = true;
      const over = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      void parts.engine
        .watchEvents(
          {
            onEvent: (event) => {
              takeEvent(room, event);
              look();
            },
            onConnect: () => {
              room.listWanted = true;
              look();
            },
            onDisconnect: (error) => {
              log.debug(`the events of the engine were cut off: ${error.message}`);
              link.check();
              look();
            },
          },
          ended.signal,
        )
        .catch((error: unknown) => {
          log.error(`the events of the engine are not followed any more: ${errorMessage(error)}`);
        });
      look();
      await over;
      running = false;
      alarm.stop();
      ended.abort(signal.reason);
      for (const unit of room.units.values()) {
        endWatch(unit);
        for (const action of unit.actions.splice(0)) {
          action.reject(new ServiceActionError('stopping', 'the daemon is ending'));
        }
      }
      await memory.save();
    },
  };
}
