import type { ComposeProject, ServiceSpec } from '../../../src/compose/service-spec.ts';
import { specHash } from '../../../src/compose/spec-hash.ts';
import type { CreateRequest } from '../../../src/docker/engine.ts';
import { containerLabels } from '../../../src/docker/labels.ts';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import type { StateSection } from '../../../src/lib/state-store.ts';
import { EMPTY_MEMORY, type ServicesMemory } from '../../../src/services/memory.ts';
import type { SupervisorParts } from '../../../src/services/room.ts';
import { createSupervisor } from '../../../src/services/supervisor.ts';
import type { Probe, Supervisor } from '../../../src/services/types.ts';
import type { ServiceView } from '../../../src/status/schema.ts';
import { createScriptedEngine, type ScriptedEngine } from '../../support/scripted-engine.ts';
import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';

/** A service with nothing but a name and an image. */
export function service(name: string, fields: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name,
    containerName: `ai-sandbox-${name}`,
    image: `image-${name}`,
    command: null,
    entrypoint: null,
    environment: {},
    ports: [{ target: 8000, published: 8000, hostIp: '', protocol: 'tcp' }],
    expose: [],
    mounts: [],
    networks: [{ network: 'default', aliases: [], ipv4Address: null, ipv6Address: null, priority: 0 }],
    networkMode: null,
    dependsOn: [],
    healthcheck: null,
    ipc: null,
    shmSizeBytes: null,
    ulimits: [],
    stopGracePeriodMs: null,
    stopSignal: null,
    labels: {},
    hostname: null,
    deviceRequests: [],
    runtime: null,
    extraHosts: [],
    user: null,
    logging: null,
    capAdd: [],
    capDrop: [],
    securityOpt: [],
    memoryLimitBytes: null,
    readOnly: false,
    workingDir: null,
    init: null,
    pullPolicy: 'missing',
    declaredRestart: null,
    imageBytes: null,
    ...fields,
  };
}

/** The project of the shipped file with the given services. */
export function project(services: ServiceSpec[]): ComposeProject {
  return {
    name: 'ai-sandbox',
    file: '/opt/ai-sandbox/docker-compose.yml',
    services,
    networks: [{ key: 'default', name: 'ai-sandbox-network', external: false, driver: null }],
    volumes: [],
    notices: [],
  };
}

/** A create call reduced to what the scripted engine reads. */
function createRequest(
  of: ComposeProject,
  spec: ServiceSpec,
  hash: string,
  extras: { imageId: string | null },
): CreateRequest {
  return {
    name: spec.containerName,
    body: { Image: spec.image, Labels: containerLabels(of, spec, hash, extras.imageId) },
    laterNetworks: [],
  };
}

/** A section of the state file that outlives the daemon of the test, through JSON as the real one. */
function createSection(): StateSection<ServicesMemory> & { text: string } {
  const section = {
    text: JSON.stringify(EMPTY_MEMORY),
    get: (): ServicesMemory => JSON.parse(section.text),
    set(value: ServicesMemory) {
      section.text = JSON.stringify(value);
      return Promise.resolve();
    },
  };
  return section;
}

/** A whole loop over a scripted engine in virtual time. */
export interface Stage {
  clock: VirtualClock;
  engine: ScriptedEngine;
  section: ReturnType<typeof createSection>;
  supervisor: Supervisor;
  log: string[];
  services: ServiceSpec[];
  /** Ends the daemon as a crash does: nothing is written, no container is touched. */
  crash(): Promise<void>;
  /** A new daemon over the same engine and state. */
  boot(options?: { bootId?: string }): Supervisor;
  /** Calls that change something, as `name object`. */
  changes(): string[];
}

export interface StageOptions {
  services?: ServiceSpec[];
  /** Milliseconds from a start to ready. */
  readyAfterMs?: number;
  images?: string[];
  settings?: Partial<SupervisorParts['settings']>;
  parts?: Partial<SupervisorParts>;
}

const READING = new Set([
  'info',
  'listContainers',
  'inspectContainer',
  'listNetworks',
  'listVolumes',
  'imageId',
]);

/** Sets the stage: two services, images there, both ready one second after their start. */
export function setStage(options: StageOptions = {}): Stage {
  const clock = createVirtualClock();
  const engine = createScriptedEngine(clock);
  const services = options.services ?? [service('api'), service('ui')];
  for (const image of options.images ?? services.map((spec) => spec.image)) engine.images.add(image);
  const section = createSection();
  const readyAfterMs = options.readyAfterMs ?? 1_000;
  const lines: string[] = [];
  const keep = (message: string) => {
    lines.push(message);
  };
  const log: Log = { ...silentLog, error: keep, warn: keep, info: keep };
  const probe: Probe = async ({ service: spec }, signal) => {
    const container = engine.byName(spec.containerName);
    if (container?.facts.state === 'running' && container.hung) {
      await clock.sleep(10_000, signal);
      return { ready: false, alive: false, detail: 'no answer within 10 s', finding: null };
    }
    const age = clock.monotonicMs() - (container?.startedAtMs ?? Number.POSITIVE_INFINITY);
    const ready = container?.facts.state === 'running' && age >= readyAfterMs;
    return { ready, alive: ready, detail: ready ? '' : 'refused', finding: null };
  };
  let ended = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const boot = ({ bootId = 'boot-1' } = {}) => {
    ended = new AbortController();
    const supervisor = createSupervisor({
      engine,
      clock,
      log,
      memory: section,
      specHash,
      createRequest,
      probes: { api: probe, ui: probe },
      bootId,
      ...options.parts,
      settings: { silenceLimitMs: 600_000, ...options.settings },
    });
    supervisor.setDesired({ project: project(stage.services), overrides: {} });
    running = supervisor.run(ended.signal);
    stage.supervisor = supervisor;
    return supervisor;
  };
  const stage: Stage = {
    clock,
    engine,
    section,
    services,
    log: lines,
    boot,
    async crash() {
      const written = section.text;
      ended.abort(new Error('the daemon was killed'));
      await running;
      section.text = written;
    },
    changes: () =>
      engine.calls.filter((call) => !READING.has(call.name)).map((call) => `${call.name} ${call.container}`),
    // replaced by the first boot below
    supervisor: undefined as unknown as Supervisor,
  };
  boot();
  return stage;
}

/** What the snapshot shows of a service. */
export function view(stage: Stage, name = 'api'): ServiceView {
  const found = stage.supervisor.snapshot().services[name];
  if (found === undefined) throw new Error(`no view of ${name}`);
  return found;
}

/** Id of the container of that name; '' where there is none. */
export function idOf(stage: Stage, name = 'ai-sandbox-api'): string {
  return stage.engine.byName(name)?.facts.id ?? '';
}

/** A stage on which both services are ready, its calls so far forgotten. */
export async function readyStage(options: StageOptions = {}): Promise<Stage> {
  const stage = setStage(options);
  await stage.clock.advance(10_000);
  stage.engine.calls.length = 0;
  return stage;
}
