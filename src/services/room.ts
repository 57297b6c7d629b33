import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { Diagnosis, Evidence, HostFacts } from '../diagnosis/types.ts';
import { type ContainerLogLine, type Engine, EngineError, type PullProgress } from '../docker/engine.ts';
import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { StateSection } from '../lib/state-store.ts';
import type { Finding } from '../status/problem.ts';
import type { Containers } from './containers.ts';
import type { EngineLink } from './engine-link.ts';
import type { CreateRequestMaker } from './execute.ts';
import type { ServicesMemory } from './memory.ts';
import type { MemoryKeeper } from './memory-keeper.ts';
import type { DesiredServices, Observation } from './observe.ts';
import type { Probes } from './probe-target.ts';
import { imageLane, type Step } from './step.ts';
import type { Gates, Heal, RunNotice } from './types.ts';
import type { Unit } from './unit.ts';

/** How long a starting service may move nothing, and the paces of looking; times in milliseconds. */
interface SupervisorSettings {
  silenceLimitMs: number;
  /** Between two questions whether the engine answers; with its deadline a loss is known within 10 s. */
  pingIntervalMs?: number;
  /** Between two lists of all containers, events or not. */
  relistIntervalMs?: number;
}

/** All that the supervisor is made of. */
export interface SupervisorParts {
  engine: Engine;
  clock: Clock;
  log: Log;
  memory: StateSection<ServicesMemory>;
  specHash(project: ComposeProject, service: ServiceSpec): string;
  createRequest: CreateRequestMaker;
  /** Applies recorded overrides to a service; without it they are only shown. */
  applyOverrides?(service: ServiceSpec, overrides: Record<string, string>): ServiceSpec;
  /** Special probes by service; others are judged by their healthcheck, or by running. */
  probes: Probes;
  /** The kernel's boot id. */
  bootId: string;
  settings: SupervisorSettings;
  /** Told every line of a starting service's log, so that nobody reads it a second time. */
  onLogLine?(service: string, line: ContainerLogLine): void;
  /** Told of the start of a service, from the first sight of its process to its first good answer or its end. */
  onRun?(service: string, notice: RunNotice): void;
  /** Finds the cause of a failure; null where there is none to be told. */
  diagnose?(evidence: Evidence): Diagnosis | null;
  /** What the machine knows about a run of a service that has ended; null: nothing. Never rejects. */
  hostFacts?(service: string, startedAt: string | null): Promise<HostFacts | null>;
  /** Whether memory that ran out explains an exit at this time (RFC 3339) of which the engine does not say so. */
  ranOutOfMemory?(containerId: string, exitAt: string): Promise<boolean>;
  /** Does what only the rest of the daemon can; false: it cannot be done. */
  heal?(service: string, heal: Heal): boolean;
}

/** What is known of an image. Times are monotonic milliseconds. */
export interface ImageState {
  /** Null: not asked yet. */
  present: boolean | null;
  /** Its id; null where it is not known. */
  id: string | null;
  asking: boolean;
  /** When it was last looked for. */
  askedAt: number;
  /** A pull has failed: somebody may have brought it since, so it is looked for before the next pull. */
  lookBeforePull: boolean;
  /** Pulled since the file asked for it (`pull_policy: always`). */
  fresh: boolean;
  failures: number;
  finding: Finding | null;
  progress: PullProgress | null;
}

/** A step that is being made. */
interface LaneWork {
  step: Step;
  controller: AbortController;
  /** Settles with the step, never rejects. */
  done: Promise<void>;
}

/** Why a lane rests after a failure. `at` is monotonic. */
interface LaneRest {
  failures: number;
  at: number;
  finding: Finding | null;
}

/** The state that the parts of the supervisor share; made once per supervisor. */
export interface Room {
  readonly parts: SupervisorParts;
  readonly containers: Containers;
  readonly units: Map<string, Unit>;
  readonly images: Map<string, ImageState>;
  readonly lanes: Map<string, LaneWork>;
  readonly rests: Map<string, LaneRest>;
  readonly memory: MemoryKeeper;
  readonly link: EngineLink;
  desired: DesiredServices | null;
  overrides: Record<string, Record<string, string>>;
  gates: Gates;
  networks: Set<string> | null;
  volumes: Set<string> | null;
  askingParts: boolean;
  /** A list is needed as soon as possible. */
  listWanted: boolean;
  /** The engine was away and no list has been taken since. */
  gap: boolean;
  /** The machine was restarted and no list has been taken since. */
  rebooted: boolean;
  /** Ends with the run of the supervisor. */
  signal: AbortSignal;
  /** The containers sorted by service; null without a file. */
  seen(): Observation | null;
  /** Looks at everything again now, or right after the look that is under way. */
  wake(): void;
  /** Runs `work` when the steps of this look have left. */
  afterSteps(work: () => void): void;
}

/** The engine's view of a service is not certain any more: a call failed or was given up. */
export function setUncertain(room: Room, unit: Unit): void {
  unit.uncertain = true;
  unit.uncertainAt = room.containers.touch();
}

/** A look for an absent image is due at once: a user has acted. */
export function lookForImage(room: Room, reference: string): void {
  imageOf(room, reference).askedAt = Number.NEGATIVE_INFINITY;
  room.rests.delete(imageLane(reference));
}

/** The state of an image, made at the first question. */
export function imageOf(room: Room, reference: string): ImageState {
  const known = room.images.get(reference);
  if (known !== undefined) return known;
  const image: ImageState = {
    present: null,
    id: null,
    asking: false,
    askedAt: Number.NEGATIVE_INFINITY,
    lookBeforePull: false,
    fresh: false,
    failures: 0,
    finding: null,
    progress: null,
  };
  room.images.set(reference, image);
  return image;
}

/** Any thrown value as an error of the engine. */
export function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const detail = errorMessage(error);
  return new EngineError('refused', detail, { code: 'engine_call_failed', detail });
}

/** The service that a step is about; undefined for networks, volumes, images and services that left the file. */
export function unitOf(room: Room, step: Step): Unit | undefined {
  if (!('service' in step)) return undefined;
  return room.units.get(typeof step.service === 'string' ? step.service : step.service.name);
}
