import {
  type ContainerLogLine,
  type CreateRequest,
  type Engine,
  EngineError,
  type EngineErrorKind,
  type EngineEvent,
  type ObservedContainer,
} from '../../src/docker/engine.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Finding } from '../../src/status/problem.ts';

/** A call as the script sees it before it is answered. */
export interface ScriptedCall {
  name: string;
  /** Container id, image, network…; '' for calls about nothing in particular. */
  object: string;
  /** Name of the container that the call is about; '' where there is none. */
  container: string;
  at: number;
}

/** What the script does to a call. */
export type Treatment =
  /** Happens after `afterMs`; the answer, as of then, arrives `thenMs` later. `lost` is asked then whether it got there at all. */
  | { kind: 'answer'; afterMs: number; thenMs?: number; lost?: () => boolean }
  | { kind: 'fail'; afterMs: number; error: EngineError }
  /** Never answers; the client's own deadline ends it. The effect does not happen. */
  | { kind: 'hang'; deadlineMs: number }
  /** Happens, but the answer is lost. */
  | { kind: 'deaf'; afterMs: number; deadlineMs: number };

/** A container of the scripted engine with what the script knows of it. */
export interface ScriptedContainer {
  facts: ObservedContainer;
  /** Virtual time of the last start; null before the first. */
  startedAtMs: number | null;
  /** The process takes no question any more. */
  hung: boolean;
  /** Its own on the network, while it runs. */
  address: string;
  log: ContainerLogLine[];
}

/** Who or what ended a container. */
export type EndedBy = 'itself' | 'stop' | 'kill' | 'remove' | 'others' | 'engine';

/** Told of what happens to containers, at the moment it happens. */
export interface ContainerWitness {
  created?(container: ScriptedContainer): void;
  started?(container: ScriptedContainer): void;
  ended?(container: ScriptedContainer, by: EndedBy): void;
}

/** An engine in memory: real enough for the supervisor, and cruel on demand. */
export interface ScriptedEngine extends Engine {
  readonly calls: ScriptedCall[];
  readonly containers: Map<string, ScriptedContainer>;
  readonly networks: Set<string>;
  readonly volumes: Set<string>;
  readonly images: Set<string>;
  /** Decides how each call is treated; default: answered after 1 ms. */
  treat: (call: ScriptedCall) => Treatment;
  /** Whether a call that its caller gives up before it happens does so nevertheless; default: it does not. */
  landsAnyway: (call: ScriptedCall) => boolean;
  /** Sees everything, whoever does it. */
  witness: ContainerWitness;
  /** Whether events reach the listener. */
  dropEvents: boolean;
  /** Time between an event and its arrival. */
  eventDelayMs: number;
  /** False: every call fails as if nobody listened, and the event stream is cut. */
  up: boolean;
  /** What it says of itself, for example `rootless`. */
  securityOptions: string[];
  byName(name: string): ScriptedContainer | undefined;
  /** Ends the process of a container on its own. */
  exit(id: string, exitCode: number, options?: { oom?: boolean }): void;
  /** `docker kill` or `docker stop` by somebody else. */
  foreignKill(id: string, signal: string): void;
  /** `docker rm -f` by somebody else. */
  foreignRemove(id: string): void;
  foreignStart(id: string): void;
  /** `docker rename` by somebody else; false where the name is taken. */
  foreignRename(id: string, name: string): boolean;
  /** A container made by somebody else. */
  foreignCreate(facts: Partial<ObservedContainer> & { name: string }): string;
  /** The engine stops; containers end unless they are kept. */
  goDown(options: { keepContainers: boolean }): void;
  comeUp(): void;
  /** Cuts the event stream; it is connected again at once. What happens between is not told. */
  cutEvents(silentMs: number): void;
  emit(event: EngineEvent): void;
}

/** An error as the client makes it. */
export function engineError(kind: EngineErrorKind, finding: Partial<Finding> = {}): EngineError {
  const code = kind === 'unreachable' ? 'docker_unreachable' : 'engine_call_failed';
  return new EngineError(kind, `scripted ${kind}`, { code, detail: `scripted ${kind}`, ...finding });
}

/** Makes an engine without containers, networks or images. */
export function createScriptedEngine(clock: Clock): ScriptedEngine {
  let created = 0;
  let stamps = 0;
  type Watcher = { handlers: Parameters<Engine['watchEvents']>[0]; connected: boolean };
  const watchers = new Set<Watcher>();

  /** RFC 3339 with nanoseconds, different at every call. */
  const stamp = () =>
    `${clock.now().toISOString().slice(0, -1)}${String(stamps++ % 1_000_000).padStart(6, '0')}Z`;

  const call = async <T>(
    name: string,
    object: string,
    signal: AbortSignal | undefined,
    work: () => T | Promise<T>,
  ): Promise<T> => {
    const container = engine.containers.get(object)?.facts.name ?? object;
    const entry = { name, object, container, at: clock.monotonicMs() };
    engine.calls.push(entry);
    signal?.throwIfAborted();
    if (!engine.up) {
      await clock.sleep(1, signal);
      throw engineError('unreachable');
    }
    const treatment = engine.treat(entry);
    switch (treatment.kind) {
      case 'answer':
        await clock.sleep(treatment.afterMs, signal).catch((reason: unknown) => {
          if (engine.landsAnyway(entry)) happen(work, entry.at + treatment.afterMs - clock.monotonicMs());
          throw reason;
        });
        if (!engine.up || treatment.lost?.()) throw engineError('unreachable');
        if (treatment.thenMs === undefined) return work();
        return answerLater(work, treatment.thenMs, signal);
      case 'fail':
        await clock.sleep(treatment.afterMs, signal);
        throw treatment.error;
      case 'hang':
        await clock.sleep(treatment.deadlineMs, signal);
        throw engineError('unreachable');
      case 'deaf':
        happen(work, treatment.afterMs);
        await clock.sleep(treatment.deadlineMs, signal);
        throw engineError('unreachable');
    }
  };

  /** The effect of a call without its answer. */
  const happen = (work: () => unknown, afterMs: number) => {
    const silent = async () => {
      await clock.sleep(afterMs);
      if (engine.up) await work();
    };
    void silent().catch(() => undefined);
  };

  const answerLater = async <T>(work: () => T | Promise<T>, ms: number, signal?: AbortSignal): Promise<T> => {
    const answer = await work();
    await clock.sleep(ms, signal);
    if (!engine.up) throw engineError('unreachable');
    return answer;
  };

  const need = (id: string): ScriptedContainer => {
    const container = engine.containers.get(id);
    if (container === undefined) throw engineError('not_found');
    return container;
  };
  const emit = (event: EngineEvent) => {
    if (engine.dropEvents || !engine.up) return;
    for (const watcher of watchers) {
      if (!watcher.connected) continue;
      clock.sleep(engine.eventDelayMs).then(
        () => {
          if (watchers.has(watcher)) watcher.handlers.onEvent(event);
        },
        () => undefined,
      );
    }
  };
  const tell = (container: ScriptedContainer, action: string, attributes: Record<string, string> = {}) =>
    emit({
      type: 'container',
      action,
      containerId: container.facts.id,
      attributes: { name: container.facts.name, ...container.facts.labels, ...attributes },
      atMs: clock.now().getTime(),
    });
  const change = (container: ScriptedContainer, fields: Partial<ObservedContainer>) => {
    container.facts = { ...container.facts, ...fields };
  };
  const end = (container: ScriptedContainer, by: EndedBy, exitCode: number, oomKilled = false) => {
    if (container.facts.state !== 'running' && container.facts.state !== 'paused') return;
    engine.witness.ended?.(container, by);
    change(container, { state: 'exited', exitCode, oomKilled, finishedAt: stamp(), pid: 0, addresses: {} });
    container.hung = false;
    if (oomKilled) tell(container, 'oom');
    tell(container, 'die', { exitCode: String(exitCode) });
  };
  const start = (container: ScriptedContainer) => {
    if (container.facts.state === 'running') return;
    change(container, {
      state: 'running',
      startedAt: stamp(),
      exitCode: 0,
      oomKilled: false,
      error: '',
      pid: 1000 + created,
      addresses: { 'ai-sandbox-network': container.address },
    });
    container.startedAtMs = clock.monotonicMs();
    container.hung = false;
    engine.witness.started?.(container);
    tell(container, 'start');
  };
  const add = (facts: Partial<ObservedContainer> & { name: string }): string => {
    const id = `c${String(++created).padStart(4, '0')}`.padEnd(64, '0');
    engine.containers.set(id, {
      facts: {
        id,
        labels: {},
        image: '',
        imageId: '',
        state: 'created',
        exitCode: 0,
        oomKilled: false,
        error: '',
        startedAt: null,
        finishedAt: null,
        createdAt: stamp(),
        restartPolicy: 'no',
        health: 'none',
        pid: 0,
        tty: false,
        logDriver: 'local',
        addresses: {},
        publishedPorts: {},
        mounts: [],
        networkNames: [],
        ...facts,
      },
      startedAtMs: facts.state === 'running' ? clock.monotonicMs() : null,
      hung: false,
      address: `172.20.${created >> 8}.${created & 0xff}`,
      log: [],
    });
    return id;
  };

  const engine: ScriptedEngine = {
    calls: [],
    containers: new Map(),
    networks: new Set(),
    volumes: new Set(),
    images: new Set(),
    treat: () => ({ kind: 'answer', afterMs: 1 }),
    landsAnyway: () => false,
    witness: {},
    dropEvents: false,
    eventDelayMs: 1,
    up: true,
    securityOptions: [],
    byName: (name) => [...engine.containers.values()].find((container) => container.facts.name === name),
    exit: (id, exitCode, options) => end(need(id), 'itself', exitCode, options?.oom ?? false),
    foreignKill(id, signal) {
      const container = need(id);
      if (container.facts.state !== 'running') return;
      tell(container, 'kill', { signal });
      end(container, 'others', 128 + Number(signal));
    },
    foreignRemove(id) {
      const container = need(id);
      if (container.facts.state === 'running') {
        tell(container, 'kill', { signal: '9' });
        end(container, 'others', 137);
      }
      engine.containers.delete(id);
      tell(container, 'destroy');
    },
    foreignStart: (id) => start(need(id)),
    foreignRename(id, name) {
      if (engine.byName(name) !== undefined) return false;
      const container = need(id);
      change(container, { name });
      tell(container, 'rename');
      return true;
    },
    foreignCreate(facts) {
      const id = add(facts);
      tell(need(id), 'create');
      return id;
    },
    goDown({ keepContainers }) {
      engine.up = false;
      if (!keepContainers) {
        for (const container of engine.containers.values()) end(container, 'engine', 137);
      }
      for (const watcher of watchers) {
        watcher.connected = false;
        watcher.handlers.onDisconnect(engineError('unreachable'));
      }
    },
    comeUp() {
      engine.up = true;
      for (const watcher of watchers) {
        watcher.connected = true;
        watcher.handlers.onConnect();
      }
    },
    cutEvents(silentMs) {
      for (const watcher of watchers) {
        if (!watcher.connected) continue;
        watcher.connected = false;
        watcher.handlers.onDisconnect(engineError('unreachable'));
        clock.sleep(silentMs).then(
          () => {
            if (!engine.up || !watchers.has(watcher)) return;
            watcher.connected = true;
            watcher.handlers.onConnect();
          },
          () => undefined,
        );
      }
    },
    emit,

    info: (signal) =>
      call('info', '', signal, () => ({
        version: '20.10.24',
        apiVersion: '1.41',
        rootDirectory: '/var/lib/docker',
        imageDirectory: '/var/lib/docker',
        runtimes: ['runc'],
        cdiDevices: [],
        securityOptions: [...engine.securityOptions],
      })),
    listContainers: (project, names, signal) =>
      call('listContainers', '', signal, () =>
        [...engine.containers.values()]
          .map((container) => container.facts)
          .filter(
            (facts) =>
              facts.labels['com.docker.compose.project'] === project ||
              facts.labels['io.ai-sandbox.spec-hash'] !== undefined ||
              names.includes(facts.name),
          ),
      ),
    listRunning: (signal) => call('listRunning', '', signal, () => []),
    inspectContainer: (id, signal) =>
      call('inspectContainer', id, signal, () => engine.containers.get(id)?.facts ?? null),
    createContainer: (request: CreateRequest, signal) =>
      call('createContainer', request.name, signal, () => {
        if (engine.byName(request.name) !== undefined) throw engineError('conflict');
        const image = String(request.body['Image']);
        if (!engine.images.has(image)) throw engineError('not_found', { code: 'image_not_found' });
        const labels = Object.fromEntries(
          Object.entries(request.body['Labels'] ?? {}).map(([key, value]) => [key, String(value)]),
        );
        const id = add({ name: request.name, labels, image });
        engine.witness.created?.(need(id));
        tell(need(id), 'create');
        return id;
      }),
    startContainer: (id, signal) => call('startContainer', id, signal, () => start(need(id))),
    stopContainer: (id, graceMs, signal) =>
      call('stopContainer', id, signal, async () => {
        const container = need(id);
        if (container.facts.state !== 'running') return;
        tell(container, 'kill', { signal: '15' });
        await clock.sleep(container.hung ? graceMs : Math.min(graceMs, 500));
        end(container, 'stop', container.hung ? 137 : 143);
      }),
    killContainer: (id, signal) =>
      call('killContainer', id, signal, () => {
        const container = need(id);
        if (container.facts.state !== 'running' && container.facts.state !== 'paused') {
          throw engineError('conflict');
        }
        tell(container, 'kill', { signal: '9' });
        end(container, 'kill', 137);
      }),
    removeContainer: (id, options, signal) =>
      call('removeContainer', id, signal, () => {
        const container = need(id);
        if (container.facts.state === 'running') {
          if (!options.force) throw engineError('conflict');
          end(container, 'remove', 137);
        }
        engine.containers.delete(id);
        tell(container, 'destroy');
      }),
    setRestartPolicy: (id, policy, signal) =>
      call('setRestartPolicy', id, signal, () => change(need(id), { restartPolicy: policy })),
    listNetworks: (signal) => call('listNetworks', '', signal, () => [...engine.networks]),
    createNetwork: (name, _driver, _labels, signal) =>
      call('createNetwork', name, signal, () => {
        if (engine.networks.has(name)) throw engineError('conflict');
        engine.networks.add(name);
      }),
    listVolumes: (signal) => call('listVolumes', '', signal, () => [...engine.volumes]),
    createVolume: (volume, signal) =>
      call('createVolume', volume.name, signal, () => {
        engine.volumes.add(volume.name);
      }),
    imageId: (reference, signal) =>
      call('imageId', reference, signal, () => (engine.images.has(reference) ? `sha256:${reference}` : null)),
    pullImage: (reference, onProgress, signal) =>
      call('pullImage', reference, signal, () => {
        onProgress({ bytesDone: 1, bytesTotal: 1, bytesUnpacked: 1, share: 1, phase: 'unpacking' });
        engine.images.add(reference);
      }),
    async *logs(id, query, signal) {
      for (const line of engine.containers.get(id)?.log ?? []) {
        if (query.until === undefined || line.timestamp <= query.until) yield line;
      }
      if (query.follow === true) await clock.sleep(86_400_000, signal).catch(() => undefined);
    },
    async watchEvents(handlers, signal) {
      const watcher = { handlers, connected: engine.up };
      watchers.add(watcher);
      clock.sleep(1, signal).then(
        () => {
          if (watcher.connected) handlers.onConnect();
        },
        () => undefined,
      );
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      watchers.delete(watcher);
    },
  };
  return engine;
}
