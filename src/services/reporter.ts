import type { ServiceSpec } from '../compose/service-spec.ts';
import { NOTHING_PULLED } from '../docker/pull-progress.ts';
import { aboutService, carryProblem, type Finding, type Problem } from '../status/problem.ts';
import { pointsToApi } from './backend.ts';
import { notBeforeOf } from './known.ts';
import { type ServiceFacts, serviceFinding, serviceView } from './machine.ts';
import type { Room } from './room.ts';
import { imageLane, serviceLane } from './step.ts';
import type { ServicesSnapshot } from './types.ts';
import type { Unit } from './unit.ts';

/** The page, and the engine that must stand behind it. */
const SERVICE_WITH_BACKEND = 'ui';
const BACKEND = 'api';

/** Makes snapshots and tells listeners when one differs from the last. */
export interface Reporter {
  snapshot(): ServicesSnapshot;
  onChange(listener: (snapshot: ServicesSnapshot) => void): () => void;
  /** Looks whether the snapshot has changed, and tells. */
  report(): void;
}

/** Makes a reporter; `waitingFor` is what the latest plan says. */
export function createReporter(room: Room, waitingFor: () => Record<string, string | null>): Reporter {
  const listeners = new Set<(snapshot: ServicesSnapshot) => void>();
  const { clock } = room.parts;
  let told = '';
  let engineProblem: Problem | null = null;
  let blockProblem: Problem | null = null;

  const snapshot = (): ServicesSnapshot => {
    const { desired, link } = room;
    const seen = room.seen();
    const result: ServicesSnapshot = {
      services: {},
      problems: [],
      docker: {
        version: link.info?.version ?? null,
        api_version: link.info?.apiVersion ?? null,
        reachable: link.reachable === true,
      },
      imageDirectory: link.info?.imageDirectory ?? null,
      mounts: {},
      published: {},
    };
    for (const service of desired?.services ?? []) {
      const unit = room.units.get(service.name);
      const found = seen?.services[service.name];
      if (unit === undefined || found === undefined) continue;
      const facts: ServiceFacts = {
        service,
        memory: room.memory.of(service.name),
        container: found.container,
        stranger: found.stranger,
        watch: unit.watch,
        startUnderWay: room.lanes.get(serviceLane(service.name))?.step.action === 'startContainer',
        waitingFor: room.link.reachable === true ? (waitingFor()[service.name] ?? null) : 'docker',
        notBefore: notBeforeOf(unit),
        pull: room.lanes.has(imageLane(service.image)) ? pullOf(room, service.image) : null,
        findings: findingsOf(room, unit, service.image, service.pullPolicy),
        overrides: room.overrides[service.name] ?? {},
        backend: service.name === SERVICE_WITH_BACKEND ? backendOf(room, service) : null,
      };
      unit.problem = carryProblem(unit.problem, aboutService(service.name, serviceFinding(facts)), clock);
      result.services[service.name] = serviceView(facts, unit.problem, {
        monotonicMs: clock.monotonicMs(),
        now: clock.now(),
      });
      result.mounts[service.name] = (found.container?.mounts ?? []).map((mount) => ({
        source: mount.source,
        target: mount.destination,
        writable: mount.writable,
      }));
      result.published[service.name] = Object.entries(found.container?.publishedPorts ?? {}).flatMap(
        ([target, bindings]) => bindings.map((binding) => ({ ...binding, target })),
      );
    }
    engineProblem = carryProblem(engineProblem, link.finding, clock);
    blockProblem = carryProblem(blockProblem, link.unsupported, clock);
    result.problems = [engineProblem, blockProblem].filter((problem) => problem !== null);
    return result;
  };

  return {
    snapshot,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    report() {
      if (listeners.size === 0) return;
      const next: ServicesSnapshot = snapshot();
      const text = JSON.stringify(next, steadyTimes);
      if (text === told) return;
      told = text;
      for (const listener of listeners) listener(next);
    },
  };
}

/** A time to come is computed from two clocks and may tremble by a second; that is no change. */
function steadyTimes(key: string, value: unknown): unknown {
  if (key !== 'next_restart_at' || typeof value !== 'string') return value;
  return Math.round(Date.parse(value) / 2_000);
}

function pullOf(room: Room, reference: string): ServiceFacts['pull'] {
  return room.images.get(reference)?.progress ?? NOTHING_PULLED;
}

function findingsOf(
  room: Room,
  unit: Unit,
  reference: string,
  pullPolicy: 'always' | 'never' | 'missing',
): ServiceFacts['findings'] {
  const image = room.images.get(reference);
  const forbidden: Finding | null =
    image?.present === false && pullPolicy === 'never'
      ? { code: 'image_not_found', detail: `${reference} is not there and pull_policy forbids fetching it` }
      : null;
  const shared = [...room.rests].find(([lane]) => lane.startsWith('network:') || lane.startsWith('volume:'));
  return {
    refusal: unit.refusal,
    image: image?.present === false ? (image.finding ?? forbidden) : null,
    call: room.rests.get(serviceLane(unit.name))?.finding ?? shared?.[1].finding ?? null,
    exit: unit.exitFinding,
  };
}

/** Whether the engine behind the page is ours and answers, as far as the file and the engine's own probe tell. */
function backendOf(room: Room, page: ServiceSpec): { ready: boolean } {
  const engine = room.desired?.services.find((service) => service.name === BACKEND);
  const answers = room.units.get(BACKEND)?.watch?.ready === true;
  return { ready: engine !== undefined && answers && pointsToApi(page, engine) };
}
