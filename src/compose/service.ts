import { readDeploy, readGpus } from './devices.ts';
import { type Field, type Report, readFlag, readKeys, readLooseText, readName, readTexts } from './field.ts';
import { readDuration, readHealthcheck } from './healthcheck.ts';
import { serviceOf } from './modes.ts';
import { type HostPaths, readBytes, readMounts, readTmpfs } from './mounts.ts';
import { DEFAULT_NETWORK, readAttachments } from './networks.ts';
import { readExpose, readPorts } from './ports.ts';
import { type EnvironmentSources, readEnvironment } from './service-environment.ts';
import { KEYS_AT, SERVICE_KEYS, UNSUPPORTED_SERVICE_KEYS } from './service-keys.ts';
import type { MountSpec, ServiceSpec } from './service-spec.ts';
import {
  readCommand,
  readContainerName,
  readDependencies,
  readExtraHosts,
  readIpc,
  readLabels,
  readLogging,
  readNetworkMode,
  readPullPolicy,
  readRestart,
  readSecurityOptions,
  readUlimits,
} from './service-values.ts';

/** What a service is read with. */
export interface ServiceContext {
  project: string;
  paths: HostPaths;
  environment: EnvironmentSources;
  report: Report;
  /** Something accepted but worth saying. */
  notice(field: Field, message: string): void;
}

/** A service as read, with the fields that checks across services report at. */
export interface ReadService {
  spec: ServiceSpec;
  field: Field;
  keys: ReadonlyMap<string, Field>;
}

const EXTENSION = 'x-ai-sandbox';

/** Reads one service completely. Null where it has no usable form; errors are reported either way. */
export function readService(name: string, field: Field, context: ServiceContext): ReadService | null {
  const { report } = context;
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    report(field, `"${name}" is no name of a service: letters, digits, . _ - only`);
  if (field.node.kind !== 'map') return report(field, 'a service is a mapping, with at least an image');
  const keys = readKeys(
    field,
    { known: [...SERVICE_KEYS, EXTENSION], unsupported: UNSUPPORTED_SERVICE_KEYS, extensions: true },
    report,
  );
  if (keys === null) return null;
  /** Reads a key where it stands and has a value; otherwise what it means when absent. */
  const read = <T>(key: string, reader: (value: Field) => T | null, absent: T): T => {
    const value = keys.get(key);
    return value === undefined || value.node.kind === 'null' ? absent : (reader(value) ?? absent);
  };
  const text = (key: string) => read<string | null>(key, (value) => readName(value, report), null);
  const texts = (key: string) => read(key, (value) => readTexts(value, report), []);
  const words = (key: string) => read<string[] | null>(key, (value) => readCommand(value, report), null);

  const image = text('image');
  if (image === null && (keys.get('image')?.node.kind ?? 'null') === 'null')
    report(field, 'image is missing');
  if (image !== null && /\s/.test(image)) report(keys.get('image') ?? field, `"${image}" is no image name`);
  const networkMode = read<string | null>('network_mode', (value) => readNetworkMode(value, report), null);
  const networks = read('networks', (value) => readAttachments(value, report), []);
  const networksField = keys.get('networks');
  if (networkMode !== null && networksField !== undefined)
    report(networksField, 'networks and network_mode exclude each other; keep one of them');
  if (networkMode === null && networks.length === 0)
    networks.push({
      network: DEFAULT_NETWORK,
      aliases: [],
      ipv4Address: null,
      ipv6Address: null,
      priority: 0,
    });
  const ipc = read<string | null>('ipc', (value) => readIpc(value, report), null);
  const declaredRestart = read<string | null>('restart', (value) => readRestart(value, report), null);
  const restartField = keys.get('restart');
  if (declaredRestart !== null && restartField !== undefined)
    context.notice(
      restartField,
      `restart: ${declaredRestart} is not handed to Docker; ai-sandbox restarts it itself`,
    );

  const { environment, unset } = readEnvironment(keys, context.environment, report);
  const spec: ServiceSpec = {
    name,
    containerName: read(
      'container_name',
      (value) => readContainerName(value, report),
      `${context.project}-${name}-1`,
    ),
    image: image ?? '',
    command: words('command'),
    entrypoint: words('entrypoint'),
    environment,
    ...(unset.length === 0 ? {} : { unsetEnvironment: unset }),
    ports: read('ports', (value) => readPorts(value, report), []),
    expose: read('expose', (value) => readExpose(value, report), []),
    mounts: readAllMounts(keys, context),
    networks,
    networkMode,
    dependsOn: withSharedPeers(
      read('depends_on', (value) => readDependencies(value, report), []),
      networkMode,
      ipc,
    ),
    healthcheck: read<ServiceSpec['healthcheck']>(
      'healthcheck',
      (value) => readHealthcheck(value, report),
      null,
    ),
    ipc,
    shmSizeBytes: read<number | null>('shm_size', (value) => readBytes(value, report), null),
    ulimits: read('ulimits', (value) => readUlimits(value, report), []),
    stopGracePeriodMs: read<number | null>('stop_grace_period', (value) => readDuration(value, report), null),
    stopSignal: text('stop_signal'),
    labels: read('labels', (value) => readLabels(value, report), {}),
    hostname: text('hostname'),
    deviceRequests: [
      ...read('deploy', (value) => readDeploy(value, report), []),
      ...read('gpus', (value) => readGpus(value, report), []),
    ],
    runtime: text('runtime'),
    extraHosts: read('extra_hosts', (value) => readExtraHosts(value, report), []),
    user: text('user'),
    logging: read<ServiceSpec['logging']>('logging', (value) => readLogging(value, report), null),
    capAdd: texts('cap_add'),
    capDrop: texts('cap_drop'),
    securityOpt: read('security_opt', (value) => readSecurityOptions(value, report), []),
    memoryLimitBytes: read<number | null>('mem_limit', (value) => readBytes(value, report), null),
    readOnly: read('read_only', (value) => readFlag(value, report), false),
    workingDir: text('working_dir'),
    init: read<boolean | null>('init', (value) => readFlag(value, report), null),
    pullPolicy: read('pull_policy', (value) => readPullPolicy(value, report), 'missing'),
    declaredRestart,
    imageBytes: read<number | null>(EXTENSION, (value) => readImageBytes(value, report), null),
  };
  return { spec, field, keys };
}

function readAllMounts(keys: ReadonlyMap<string, Field>, context: ServiceContext): MountSpec[] {
  const { report } = context;
  const volumes = keys.get('volumes');
  const mounts = volumes === undefined ? [] : readMounts(volumes, context.paths, report);
  const tmpfs = keys.get('tmpfs');
  if (tmpfs === undefined) return mounts;
  for (const { target, options } of readTmpfs(tmpfs, report)) {
    if (!target.startsWith('/')) report(tmpfs, `the path in the container must begin with /: ${target}`);
    else if (mounts.some((mount) => mount.target === target))
      report(tmpfs, `something is already mounted at ${target}`);
    else mounts.push({ kind: 'tmpfs', target, sizeBytes: null, mode: null, options });
  }
  return mounts;
}

function readImageBytes(field: Field, report: Report): number | null {
  const bytes = readKeys(field, { known: KEYS_AT['services.*.x-ai-sandbox'] }, report)?.get('image_bytes');
  if (bytes === undefined) return null;
  const text = readLooseText(bytes, report);
  return text === null ? null : readBytes(bytes, report);
}

/** A service whose network or IPC is shared must run first, as if it stood in `depends_on`. */
function withSharedPeers(
  listed: ServiceSpec['dependsOn'],
  networkMode: string | null,
  ipc: string | null,
): ServiceSpec['dependsOn'] {
  const peers = [serviceOf(networkMode), serviceOf(ipc)].flatMap((peer) => peer ?? []);
  const missing = [...new Set(peers)].filter((peer) => !listed.some(({ service }) => service === peer));
  return [...listed, ...missing.map((service) => ({ service, condition: 'service_started' as const }))];
}
