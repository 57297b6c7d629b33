import type { Finding } from '../status/problem.ts';

/** What the engine says of itself. */
export interface EngineInfo {
  version: string;
  apiVersion: string;
  rootDirectory: string;
  /** Directory of the file system that images are unpacked to; `rootDirectory` except with containerd's image store. */
  imageDirectory: string;
  /** Runtimes and CDI devices it knows: whether it could give out a GPU. */
  runtimes: string[];
  cdiDevices: string[];
  /** `rootless`, `userns`, `seccomp`…: the names in `SecurityOptions`. */
  securityOptions: string[];
}

/** A container in the words of the engine, reduced to what decisions need. */
export interface ObservedContainer {
  id: string;
  name: string;
  labels: Record<string, string>;
  image: string;
  imageId: string;
  state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  exitCode: number;
  oomKilled: boolean;
  /** The engine's own words for a refused start; '' otherwise. */
  error: string;
  /** RFC 3339 with fraction; null where the engine gives its zero time. */
  startedAt: string | null;
  finishedAt: string | null;
  createdAt: string;
  restartPolicy: string;
  /** How long a stop waits where the container was made with such a time, in milliseconds; absent: it says nothing. */
  stopGraceMs?: number;
  /** The engine's healthcheck: `none` where there is no check. */
  health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** Main process on the host; 0 when not running. */
  pid: number;
  tty: boolean;
  logDriver: string;
  /** Address per network name. */
  addresses: Record<string, string>;
  /** Published ports that are bound now: container port (`8000/tcp`) to host address and port. */
  publishedPorts: Record<string, { hostIp: string; hostPort: number }[]>;
  mounts: { type: string; source: string; destination: string; name: string | null; writable: boolean }[];
  /** Bytes the shared memory and memory limit were created with are not needed here; the spec-hash covers them. */
  networkNames: string[];
}

/** A container that runs, whoever made it. */
export interface RunningContainer {
  id: string;
  name: string;
  /** Its compose project; null: it was not made by compose, nor by us. */
  project: string | null;
  publishedPorts: { hostIp: string; hostPort: number }[];
}

/** Progress of one image pull, summed over layers; never decreases. Bytes are those of the compressed layers. */
export interface PullProgress {
  /** Downloaded. */
  bytesDone: number;
  /** Of the layers whose size is known; null until the engine has named one. */
  bytesTotal: number | null;
  bytesUnpacked: number;
  /** Of fetching and unpacking together, 0 to 1; null until the engine has named a size. */
  share: number | null;
  phase: 'downloading' | 'unpacking';
}

/** One line of a container's log. */
export interface ContainerLogLine {
  /** RFC 3339 with nanoseconds, as the engine gives it; '' where it gives none. */
  timestamp: string;
  stream: 'stdout' | 'stderr';
  text: string;
}

/** Which lines of a log to read. Times are RFC 3339 or Unix seconds with fraction. */
export interface LogQuery {
  tail?: number;
  since?: string;
  until?: string;
  follow?: boolean;
}

/** A wake-up from the engine. Nothing may depend on having seen one. */
export interface EngineEvent {
  type: string;
  action: string;
  containerId: string;
  /** Attributes: exitCode, name, signal, labels. */
  attributes: Record<string, string>;
  /** When the engine says it happened, in milliseconds since 1970; null where it does not say. */
  atMs: number | null;
}

/** Body for a new container, as `docker/container-spec` makes it: the engine's own JSON. */
export interface CreateRequest {
  name: string;
  body: Record<string, unknown>;
  /** Networks to join after creation, on engines that take only one endpoint at creation. */
  laterNetworks: { network: string; endpoint: Record<string, unknown> }[];
}

/** Errors of the engine have one of these kinds. */
export type EngineErrorKind =
  | 'unreachable' // socket absent, refused, reset, engine hung past the deadline
  | 'permission' // the socket may not be opened
  | 'not_found' // 404: no such container, image, network
  | 'conflict' // 409: name in use, removal in progress, already stopped
  | 'not_modified' // 304: already started or stopped
  | 'bad_request' // 400
  | 'refused' // the engine refused (start failed, 5xx); `message` has its words
  | 'in_band'; // an error inside a stream (pull)

/**
 * A failed call to the engine. `finding` names the problem where the engine's words are known
 * (image_not_found, registry_login_failed, port_in_use, gpu_missing, disk_full, docker_unreachable…).
 */
export class EngineError extends Error {
  readonly kind: EngineErrorKind;
  readonly statusCode: number | null;
  readonly finding: Finding;
  constructor(kind: EngineErrorKind, message: string, finding: Finding, statusCode: number | null = null) {
    super(message);
    this.name = 'EngineError';
    this.kind = kind;
    this.statusCode = statusCode;
    this.finding = finding;
  }
}

/**
 * The Docker engine as the rest of the daemon sees it. Every call has an outer deadline of its own and rejects with
 * {@link EngineError} only, or with the reason of the caller's own signal when that aborts. `docker/client` talks to a real one; tests have a scripted one.
 */
export interface Engine {
  info(signal?: AbortSignal): Promise<EngineInfo>;
  /**
   * Containers (running or not) that carry the compose label of `project`, any whose name is in `names`, and all that we
   * made, for whatever file and project; inspected.
   */
  listContainers(
    project: string,
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<ObservedContainer[]>;
  /** All that runs on this engine, whoever made it. */
  listRunning(signal?: AbortSignal): Promise<RunningContainer[]>;
  /** Null when there is no such container. */
  inspectContainer(id: string, signal?: AbortSignal): Promise<ObservedContainer | null>;
  /** Returns the id. Nothing is left behind when a later network cannot be joined. */
  createContainer(request: CreateRequest, signal?: AbortSignal): Promise<string>;
  /**
   * Resolves for a container that runs already, too. A port that the engine has given away itself is told with the container
   * that has it (`port_in_use`), or as `port_left_taken` where none has.
   */
  startContainer(id: string, signal?: AbortSignal): Promise<void>;
  /** SIGTERM (or the container's own signal), SIGKILL after `graceMs`; resolves when it has stopped. */
  stopContainer(id: string, graceMs: number, signal?: AbortSignal): Promise<void>;
  /** SIGKILL; resolves for a container that does not run, too. */
  killContainer(id: string, signal?: AbortSignal): Promise<void>;
  /** Anonymous volumes go with it, named ones stay. Resolves for a container that is gone already, too. */
  removeContainer(id: string, options: { force: boolean }, signal?: AbortSignal): Promise<void>;
  setRestartPolicy(id: string, policy: 'no', signal?: AbortSignal): Promise<void>;
  /** Names of the networks and volumes that exist. */
  listNetworks(signal?: AbortSignal): Promise<string[]>;
  createNetwork(
    name: string,
    driver: string | null,
    labels: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<void>;
  listVolumes(signal?: AbortSignal): Promise<string[]>;
  createVolume(
    volume: {
      name: string;
      driver: string | null;
      driverOptions: Record<string, string>;
      labels: Record<string, string>;
    },
    signal?: AbortSignal,
  ): Promise<void>;
  /** Id of a local image, or null. */
  imageId(reference: string, signal?: AbortSignal): Promise<string | null>;
  /**
   * Pulls and proves that the image is there. Stalls, in-band errors and a full disk reject with a named finding.
   * With `requiredBytes` (of the unpacked image) the free space is checked first: that, what other running pulls still
   * need, and a reserve of 5 GiB must be free on the file system of the images, else `disk_too_small`.
   */
  pullImage(
    reference: string,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
    options?: { requiredBytes?: number },
  ): Promise<void>;
  /** Redacted lines, oldest first. With `follow` the stream ends when the container does or `signal` aborts. */
  logs(id: string, query: LogQuery, signal: AbortSignal): AsyncIterable<ContainerLogLine>;
  /**
   * Calls `onEvent` for every container event (but those of `exec`) until `signal` aborts, then resolves; connects again
   * by itself. `onConnect` is called after every (re)connect: re-list then. `onDisconnect` is told why, once for an outage
   * and again when its cause changes; a hung engine is told within 10 s.
   */
  watchEvents(
    handlers: {
      onEvent(event: EngineEvent): void;
      onConnect(): void;
      onDisconnect(error: EngineError): void;
    },
    signal: AbortSignal,
  ): Promise<void>;
}
