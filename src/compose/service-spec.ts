/** A port that a container publishes. */
export interface PublishedPort {
  /** Port inside the container. */
  target: number;
  /** Port on the host; null lets the engine choose. */
  published: number | null;
  /** Address on the host; '' means all. */
  hostIp: string;
  protocol: 'tcp' | 'udp' | 'sctp';
}

/** Something mounted into a container. */
export type MountSpec =
  | {
      kind: 'bind';
      /** Absolute host path (relative ones and `~` are resolved against the compose file). */
      source: string;
      target: string;
      readOnly: boolean;
      /** Create a missing source as a directory, as the short form does. */
      createHostPath: boolean;
      propagation: string | null;
      selinux: string | null;
    }
  | {
      kind: 'volume' /** Key in the file's `volumes`; null for an anonymous one. */;
      source: string | null;
      target: string;
      readOnly: boolean;
      noCopy: boolean;
      subpath: string | null;
    }
  | {
      kind: 'tmpfs';
      target: string;
      sizeBytes: number | null;
      mode: number | null;
      /** Mount options as the key `tmpfs:` has them (`size=64m,mode=1777`); absent for one under `volumes:`. */
      options?: string;
    };

/** A healthcheck as the engine wants it; times in milliseconds. Null fields: the image's own value. */
export interface HealthcheckSpec {
  /** `['NONE']` disables the image's own check; null keeps the image's test. */
  test: string[] | null;
  intervalMs: number | null;
  timeoutMs: number | null;
  startPeriodMs: number | null;
  startIntervalMs: number | null;
  retries: number | null;
}

/** Devices asked for by `deploy.resources.reservations.devices` or `gpus`. */
export interface DeviceRequest {
  driver: string;
  /** -1 means all; null when device ids are given. */
  count: number | null;
  deviceIds: string[];
  capabilities: string[];
  options: Record<string, string>;
}

/** A network a service joins. */
export interface NetworkAttachment {
  /** Key in the file's `networks`. */
  network: string;
  aliases: string[];
  ipv4Address: string | null;
  ipv6Address: string | null;
  priority: number;
}

/** One service of the compose file: interpolated, normalised, complete. Null means "the image's or engine's own". */
export interface ServiceSpec {
  /** Key in the file, e.g. `api`. */
  name: string;
  containerName: string;
  image: string;
  command: string[] | null;
  entrypoint: string[] | null;
  /** Environment after env_file and interpolation. */
  environment: Record<string, string>;
  /** Names given without a value that nobody sets: the image's own value of them is taken away. Absent: none. */
  unsetEnvironment?: string[];
  ports: PublishedPort[];
  /** Exposed but not published, e.g. `8000/tcp`. */
  expose: string[];
  mounts: MountSpec[];
  networks: NetworkAttachment[];
  /** `host`, `none`, `service:NAME`, `container:NAME`, or null for the listed networks. */
  networkMode: string | null;
  /** Services to be started before this one, with compose's condition. */
  dependsOn: {
    service: string;
    condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  }[];
  healthcheck: HealthcheckSpec | null;
  ipc: string | null;
  shmSizeBytes: number | null;
  ulimits: { name: string; soft: number; hard: number }[];
  stopGracePeriodMs: number | null;
  stopSignal: string | null;
  labels: Record<string, string>;
  hostname: string | null;
  deviceRequests: DeviceRequest[];
  runtime: string | null;
  extraHosts: string[];
  user: string | null;
  logging: { driver: string | null; options: Record<string, string> } | null;
  capAdd: string[];
  capDrop: string[];
  securityOpt: string[];
  memoryLimitBytes: number | null;
  readOnly: boolean;
  workingDir: string | null;
  init: boolean | null;
  pullPolicy: 'always' | 'never' | 'missing';
  /** What the file's author wrote under `restart:`; explained, never applied (one restart authority). */
  declaredRestart: string | null;
  /** `x-ai-sandbox: {image_bytes}`: the space to keep for the image; null: the default of the service. */
  imageBytes: number | null;
}

/** A network of the compose file. */
export interface NetworkSpec {
  key: string;
  /** Name in the engine: `name:` or `<project>_<key>`. */
  name: string;
  external: boolean;
  driver: string | null;
}

/** A named volume of the compose file. */
export interface VolumeSpec {
  key: string;
  name: string;
  external: boolean;
  driver: string | null;
  driverOptions: Record<string, string>;
  labels: Record<string, string>;
}

/** The whole desired state: what one compose file says after interpolation. */
export interface ComposeProject {
  /** Project name, lower case. */
  name: string;
  /** Absolute path of the file. */
  file: string;
  services: ServiceSpec[];
  networks: NetworkSpec[];
  volumes: VolumeSpec[];
  /** Things accepted but worth saying once (`version` ignored, `restart` explained), with line numbers. */
  notices: string[];
}

/** An error in a compose or environment file, with its place. Lines and columns count from 1. */
export interface ComposeError {
  file: string;
  line: number;
  column: number;
  /** Path of the key, e.g. `services.api.foo`; '' for the file as a whole. */
  key: string;
  message: string;
}
