import type {
  ComposeProject,
  HealthcheckSpec,
  NetworkAttachment,
  ServiceSpec,
} from '../compose/service-spec.ts';
import { compareVersions } from './api-version.ts';
import { containerMounts } from './container-spec-mounts.ts';
import type { CreateRequest } from './engine.ts';
import { containerLabels } from './labels.ts';

/** What a container is created with besides its service. */
export interface CreateExtras {
  /** API version that is spoken, e.g. `1.41`: decides how several networks are joined. */
  apiVersion: string;
  /** Id of the image, for the label that docker compose shows; null where it is not known. */
  imageId: string | null;
}

/** From this API on a container may have several networks at creation, and a start interval of its healthcheck. */
const API_WITH_SEVERAL_ENDPOINTS = '1.44';

const NANOSECONDS_PER_MS = 1_000_000;

/**
 * The engine's body for a new container: what docker compose 2.40 sends for the same service, with the differences that
 * docs/compose.md lists. Throws when the service names a network that is not in the project (the reader forbids it).
 */
export function createRequest(
  project: ComposeProject,
  service: ServiceSpec,
  specHash: string,
  extras: CreateExtras,
): CreateRequest {
  const recent = compareVersions(extras.apiVersion, API_WITH_SEVERAL_ENDPOINTS) >= 0;
  const endpoints = networkEndpoints(project, service);
  const [first, ...others] = endpoints;
  const atCreation = recent ? endpoints : endpoints.slice(0, 1);
  const body: Record<string, unknown> = {
    Image: service.image,
    AttachStdout: true,
    AttachStderr: true,
    Cmd: service.command,
    Entrypoint: service.entrypoint,
    Env: [
      ...Object.entries(service.environment).map(([name, value]) => `${name}=${value}`),
      ...(service.unsetEnvironment ?? []),
    ],
    Labels: containerLabels(project, service, specHash, extras.imageId),
    ExposedPorts: exposedPorts(service),
    Hostname: service.hostname ?? '',
    User: service.user ?? '',
    WorkingDir: service.workingDir ?? '',
    HostConfig: hostConfig(project, service, first?.network ?? 'none'),
    ...(service.stopSignal === null ? {} : { StopSignal: service.stopSignal }),
    ...(service.stopGracePeriodMs === null
      ? {}
      : { StopTimeout: Math.trunc(service.stopGracePeriodMs / 1000) }),
    ...(service.healthcheck === null ? {} : { Healthcheck: healthcheck(service.healthcheck, recent) }),
  };
  if (atCreation.length > 0)
    body['NetworkingConfig'] = {
      EndpointsConfig: Object.fromEntries(atCreation.map(({ network, endpoint }) => [network, endpoint])),
    };
  return { name: service.containerName, body, laterNetworks: recent ? [] : others };
}

function hostConfig(project: ComposeProject, service: ServiceSpec, firstNetwork: string) {
  const systemPathsVisible = service.securityOpt.includes('systempaths=unconfined');
  return {
    ...containerMounts(project, service),
    NetworkMode: service.networkMode === null ? firstNetwork : resolvePeer(project, service.networkMode),
    IpcMode: service.ipc === null ? '' : resolvePeer(project, service.ipc),
    // The daemon is the one restart authority.
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    PortBindings: portBindings(service),
    CapAdd: orNull(capabilities(service.capAdd)),
    CapDrop: orNull(capabilities(service.capDrop)),
    SecurityOpt: orNull(service.securityOpt.filter((option) => option !== 'systempaths=unconfined')),
    ...(systemPathsVisible ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    ExtraHosts: service.extraHosts,
    ReadonlyRootfs: service.readOnly,
    ShmSize: service.shmSizeBytes ?? 0,
    Memory: service.memoryLimitBytes ?? 0,
    Ulimits: orNull(
      service.ulimits.map((limit) => ({ Name: limit.name, Soft: limit.soft, Hard: limit.hard })),
    ),
    DeviceRequests: orNull(
      service.deviceRequests.map((request) => ({
        Driver: request.driver,
        Count: request.count ?? 0,
        DeviceIDs: orNull(request.deviceIds),
        Capabilities: [request.capabilities],
        Options: Object.keys(request.options).length === 0 ? null : request.options,
      })),
    ),
    Runtime: service.runtime ?? '',
    LogConfig: { Type: service.logging?.driver ?? '', Config: service.logging?.options ?? {} },
    ...(service.init === null ? {} : { Init: service.init }),
  };
}

/** `service:NAME` names the container of that service; everything else is the engine's own word. */
function resolvePeer(project: ComposeProject, mode: string): string {
  const peer = /^service:(.+)$/.exec(mode)?.[1];
  if (peer === undefined) return mode;
  const service = project.services.find((candidate) => candidate.name === peer);
  return `container:${service?.containerName ?? peer}`;
}

function networkEndpoints(project: ComposeProject, service: ServiceSpec) {
  if (service.networkMode !== null) return [];
  return [...service.networks].sort(byPriorityThenKey).map((attachment) => {
    const network = project.networks.find((candidate) => candidate.key === attachment.network);
    if (network === undefined)
      throw new Error(`${service.name} joins the network ${attachment.network}, which the project has not`);
    const addresses = {
      ...(attachment.ipv4Address === null ? {} : { IPv4Address: attachment.ipv4Address }),
      ...(attachment.ipv6Address === null ? {} : { IPv6Address: attachment.ipv6Address }),
    };
    const endpoint = {
      Aliases: [service.containerName, service.name, ...attachment.aliases],
      ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }),
    };
    return { network: network.name, endpoint };
  });
}

/** The order in which docker compose joins networks; the first one gives the default route on older engines. */
function byPriorityThenKey(a: NetworkAttachment, b: NetworkAttachment): number {
  return b.priority - a.priority || (a.network < b.network ? -1 : 1);
}

function exposedPorts(service: ServiceSpec): Record<string, object> {
  const ports = [...service.expose, ...service.ports.map((port) => `${port.target}/${port.protocol}`)];
  return Object.fromEntries(ports.map((port) => [port, {}]));
}

function portBindings(service: ServiceSpec): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of service.ports) {
    const key = `${port.target}/${port.protocol}`;
    const binding = { HostIp: port.hostIp, HostPort: port.published === null ? '' : String(port.published) };
    bindings[key] = [...(bindings[key] ?? []), binding];
  }
  return bindings;
}

function healthcheck(spec: HealthcheckSpec, recent: boolean) {
  const nanoseconds = (ms: number) => Math.round(ms * NANOSECONDS_PER_MS);
  return {
    ...(spec.test === null ? {} : { Test: spec.test }),
    ...(spec.intervalMs === null ? {} : { Interval: nanoseconds(spec.intervalMs) }),
    ...(spec.timeoutMs === null ? {} : { Timeout: nanoseconds(spec.timeoutMs) }),
    ...(spec.startPeriodMs === null ? {} : { StartPeriod: nanoseconds(spec.startPeriodMs) }),
    // An older engine does not know the field: it checks at the ordinary interval from the start.
    ...(spec.startIntervalMs === null || !recent ? {} : { StartInterval: nanoseconds(spec.startIntervalMs) }),
    ...(spec.retries === null ? {} : { Retries: spec.retries }),
  };
}

/** The full names of the kernel, as Docker's own clients send them: `NET_ADMIN` is `CAP_NET_ADMIN`. */
function capabilities(names: readonly string[]): string[] {
  const full = names.map((name) => {
    const upper = name.toUpperCase();
    return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  });
  return [...new Set(full)];
}

function orNull<T>(list: T[]): T[] | null {
  return list.length === 0 ? null : list;
}
