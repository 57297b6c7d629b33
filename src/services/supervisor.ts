import { errorMessage } from '../lib/errors.ts';
import { act, settleActions } from './actions.ts';
import { createAlarm } from './alarm.ts';
import { createContainers } from './containers.ts';
import { adoptDesired } from './desired.ts';
import { createEngineLink, PING_INTERVAL_MS } from './engine-link.ts';
import { engineBack, engineLost, probeSooner } from './engine-outage.ts';
import { takeEvent } from './events.ts';
import { examine } from './exit-desk.ts';
import { knownOf } from './known.ts';
import { launch } from './lanes.ts';
import { askImage, askParts, createLister, RELIST_INTERVAL_MS, sample } from './looking.ts';
import { createMemoryKeeper } from './memory-keeper.ts';
import { nextLookAt } from './next-look.ts';
import { type DesiredServices, isOutdated, type Observation, observe } from './observe.ts';
import { type Plan, plan } from './plan.ts';
import { createReporter } from './reporter.ts';
import type { Room, SupervisorParts } from './room.ts';
import { type Desired, type Gates, ServiceActionError, type Supervisor } from './types.ts';
import { endWatch, keepWatch, noteMovement } from './watches.ts';

export type { SupervisorParts } from './room.ts';

/** Pause after a look that failed. Only one that is completed tells the watchdog that the loop is alive. */
const FAILED_LOOK_REST_MS = 1_000;

/**
 * The loop that keeps the services of the file alive: looks, plans, makes the steps, one lane a service, and looks again
 * whenever something happened. It never waits inside a look, so that nothing that hangs holds up anything else.
 */
export function createSupervisor(parts: SupervisorParts): Supervisor {
  const { clock, log } = parts;
  const ended = new AbortController();
  let looking = false;
  let lookAgain = false;
  /** End of the last look that was completed. */
  let lookedAt = clock.monotonicMs();
  let afterwards: (() => void)[] = [];
  let running = false;
  let lastPlan: Plan = { steps: [], waitingFor: {} };

  const link = createEngineLink({
    engine: parts.engine,
    clock,
    intervalMs: parts.settings.pingIntervalMs ?? PING_INTERVAL_MS,
    signal: () => ended.signal,
    onLost: (finding) => engineLost(room, finding),
    onBack: () => engineBack(room),
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
      lookedAt = clock.monotonicMs();
      alarm.set(nextLookAt(room, lister.nextAt));
    } catch (error) {
      log.error(`the services could not be looked at: ${errorMessage(error)}`);
      alarm.set(clock.monotonicMs() + FAILED_LOOK_REST_MS);
    } finally {
      looking = false;
    }
  };

  const lookOnce = () => {
    const now = clock.monotonicMs();
    const { desired } = room;
    // Before the other questions: its answer takes the engine longest.
    if (link.reachable === null) link.due(now);
    if (desired !== null && link.reachable === false) {
      probeSooner(room, now);
      watchAll(desired, seenBy(desired));
      for (const unit of room.units.values()) settleActions(room, unit, undefined, null);
    }
    if (desired !== null && link.reachable !== false) {
      examineAll();
      const observed = seenBy(desired);
      watchAll(desired, observed);
      lastPlan = plan(desired, observed, knownOf(room, desired, observed), now);
      // Nothing is changed before the engine has said of which kind it is.
      if (link.reachable === true && link.unsupported === null) {
        for (const step of lastPlan.steps) launch(room, step);
      }
      // Questions leave after the steps: nothing may stand between an exit and its restart.
      askForParts(observed, now);
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

  const watchAll = (desired: DesiredServices, observed: Observation) => {
    for (const service of desired.services) {
      const unit = room.units.get(service.name);
      if (unit === undefined) continue;
      keepWatch(room, unit, service, observed.services[service.name]?.container ?? null);
    }
  };

  /** Images and networks matter only for a container that has to be made. */
  const askForParts = (observed: Observation, now: number) => {
    for (const service of room.desired?.services ?? []) {
      const seen = observed.services[service.name];
      const unit = room.units.get(service.name);
      if (!room.memory.of(service.name).wanted || unit === undefined) continue;
      const complete = seen?.container != null && !isOutdated(seen.drift) && unit.recreate === null;
      if (complete) continue;
      askImage(room, service.image, now);
      askParts(room);
    }
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
