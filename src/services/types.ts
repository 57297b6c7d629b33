import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { Finding, Problem } from '../status/problem.ts';
import type { ProblemCode } from '../status/problem-table.ts';
import type { ServiceView } from '../status/schema.ts';

/** Answer of one probe of a running service. */
export interface ProbeResult {
  /** All stages passed: the service does what it is for. */
  ready: boolean;
  /**
   * Whether this answer counts as a sign of life once the service has been ready.
   * False for a missed deadline, a refused connection or a 5xx; true for a definite answer of a living server.
   */
  alive: boolean;
  /** Which stage failed and how, for people; '' when ready. */
  detail: string;
  /** A named problem the answer proves (no chat template, key refused); null otherwise. */
  finding: Finding | null;
  /** No answer in time, but its counters move: it has work under way, and is as ready as it was before. */
  busy?: boolean;
  /** With `busy`: no counter moves, but its processes compute. */
  computing?: boolean;
  /** ui only: whether its backend is our api and answers. */
  backendReady?: boolean | null;
}

/** Where a probe dials: the container's own address first, the published one as fallback. */
export interface ProbeTarget {
  service: ServiceSpec;
  containerId: string;
  /** `host:port` candidates in order. */
  addresses: { host: string; port: number }[];
}

/** Asks one service whether it is ready. Never throws; settles within `deadlineMs` of its own. */
export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeResult>;

/** What happens to a start, for those who follow its log. `startedAt` is the engine's RFC 3339 time. */
export type RunNotice =
  | { kind: 'began'; startedAt: string | null; image: string; firstRun: boolean }
  | { kind: 'ready' }
  | { kind: 'ended' };

/** What the daemon can do itself about a cause, beside starting again. */
export type Heal =
  /** Another value of a flag of the service's command. */
  | { kind: 'override'; flag: string; value: string; cause: string }
  /** The container is made anew: a restart of the old one would not help. */
  | { kind: 'recreate'; cause: string }
  /** The damaged files of the model are deleted and fetched again. */
  | { kind: 'refetch'; cause: string }
  /** The engine itself is restarted: it holds what no other call gives back. */
  | { kind: 'restart_engine'; cause: string };

/** What a service waits for before its container may start, decided outside of this room. */
interface Gate {
  /** Word shown as `waiting_for`: `model`, `gpu`, `disk`, `docker`. */
  waitingFor: string;
}

/** What the rest of the daemon knows and the plan needs, passed in as values. */
export interface Gates {
  /** Null: may start. By service name. */
  [service: string]: Gate | null;
}

/** A change of the desired state handed to the supervisor. */
export type Desired = {
  project: ComposeProject /** Named overrides per service, applied after parsing and part of the hash. */;
  overrides: Record<string, Record<string, string>>;
  /** Another form of a service, by name: a container made of it is left as it is, none is made of it. */
  accepted?: Record<string, ServiceSpec>;
  /** Why a service is another one than before, by name, where that is not the compose file. */
  because?: Record<string, string>;
} | null;

/** What the supervisor tells the rest, after every change. */
export interface ServicesSnapshot {
  services: Record<string, ServiceView>;
  /** Problems of the whole room (engine unreachable, unsupported); those of a service stand in its view. */
  problems: Problem[];
  docker: { version: string | null; api_version: string | null; reachable: boolean };
  /** Directory of the file system that images are unpacked to; null while Docker has not said it. */
  imageDirectory: string | null;
  /** Host paths of what is really mounted, by service and target, from inspect. */
  mounts: Record<string, { source: string; target: string; writable: boolean }[]>;
  /** Addresses of running services, for links and probes. */
  published: Record<string, { hostIp: string; hostPort: number; target: string }[]>;
}

/** A user's action that did not come about. */
export class ServiceActionError extends Error {
  /** `unknown_service`, `superseded` (another action came), `stopping` (the daemon ends), or the code of the problem. */
  readonly code: 'unknown_service' | 'superseded' | 'stopping' | ProblemCode;
  readonly finding: Finding | null;
  constructor(code: ServiceActionError['code'], message: string, finding: Finding | null = null) {
    super(message);
    this.name = 'ServiceActionError';
    this.code = code;
    this.finding = finding;
  }
}

/** Keeps the services of the file alive; see createSupervisor. */
export interface Supervisor {
  /** Hands over what should run; null: nothing is known yet. */
  setDesired(desired: Desired): void;
  setGates(gates: Gates): void;
  snapshot(): ServicesSnapshot;
  /** Calls `listener` after every change of the snapshot; returns how to end that. */
  onChange(listener: (snapshot: ServicesSnapshot) => void): () => void;
  /**
   * User's actions. They go before background work and settle when they are done, when the service waits for something
   * outside of this room (a gate, an image), or reject with {@link ServiceActionError}. A stop survives a restart of the daemon.
   */
  start(service: string): Promise<void>;
  stop(service: string): Promise<void>;
  restart(service: string): Promise<void>;
  /** Something of a starting service moved that only others can see (bytes read, a load phase): it is not silent. */
  noteProgress(service: string): void;
  /** Works until `signal` aborts, then returns and leaves the containers as they are. */
  run(signal: AbortSignal): Promise<void>;
  /** Age of the last look at everything, for the watchdog; milliseconds. */
  lastTickAgeMs(): number;
}
