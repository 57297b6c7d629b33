/** Keys of a service that are read; everything else is an error. */
export const SERVICE_KEYS = [
  'image',
  'command',
  'entrypoint',
  'environment',
  'env_file',
  'ports',
  'expose',
  'volumes',
  'networks',
  'network_mode',
  'depends_on',
  'healthcheck',
  'ipc',
  'shm_size',
  'ulimits',
  'stop_grace_period',
  'stop_signal',
  'labels',
  'container_name',
  'hostname',
  'deploy',
  'gpus',
  'runtime',
  'extra_hosts',
  'user',
  'logging',
  'cap_add',
  'cap_drop',
  'security_opt',
  'mem_limit',
  'tmpfs',
  'read_only',
  'working_dir',
  'init',
  'pull_policy',
  'restart',
] as const;

/** Keys of a service that docker compose knows and we do not, with what to do instead ('': nothing comes near). */
export const UNSUPPORTED_SERVICE_KEYS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    (
      'annotations attach blkio_config cgroup cgroup_parent configs cpu_count cpu_percent cpu_period cpu_quota ' +
      'cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec develop device_cgroup_rules dns dns_opt ' +
      'dns_search domainname group_add isolation label_file links external_links mac_address mem_reservation ' +
      'mem_swappiness memswap_limit models oom_kill_disable oom_score_adj pid pids_limit platform post_start pre_stop ' +
      'privileged profiles provider stdin_open storage_opt sysctls tty use_api_socket userns_mode uts volumes_from'
    )
      .split(' ')
      .map((key) => [key, '']),
  ),
  build: 'build the image first and name it under image',
  extends: 'use a YAML anchor (&name) and the merge key (<<: *name)',
  secrets: 'name the value from .env under environment, or mount a file under volumes',
  scale: 'a service is one container',
  devices: 'ask for GPUs under gpus, or under deploy.resources.reservations.devices',
};

/** Top-level keys that are read. */
export const TOP_LEVEL_KEYS = ['name', 'version', 'services', 'networks', 'volumes'] as const;

/**
 * Keys of every other mapping whose keys are not free, by where it stands: `*` is any name, `[]` each item of a list.
 * `gpus[]` is read as the devices of `deploy` are.
 */
export const KEYS_AT = {
  'networks.*': ['name', 'external', 'driver'],
  'volumes.*': ['name', 'external', 'driver', 'driver_opts', 'labels'],
  'x-ai-sandbox': ['environment'],
  'services.*.env_file[]': ['path', 'required'],
  'services.*.ports[]': ['target', 'published', 'host_ip', 'protocol'],
  'services.*.volumes[]': ['type', 'source', 'target', 'read_only', 'bind', 'volume', 'tmpfs'],
  'services.*.volumes[].bind': ['create_host_path', 'propagation', 'selinux'],
  'services.*.volumes[].volume': ['nocopy', 'subpath'],
  'services.*.volumes[].tmpfs': ['size', 'mode'],
  'services.*.networks.*': ['aliases'],
  'services.*.depends_on.*': ['condition'],
  'services.*.healthcheck': [
    'test',
    'interval',
    'timeout',
    'start_period',
    'start_interval',
    'retries',
    'disable',
  ],
  'services.*.ulimits.*': ['soft', 'hard'],
  'services.*.logging': ['driver', 'options'],
  'services.*.deploy': ['resources'],
  'services.*.deploy.resources': ['reservations'],
  'services.*.deploy.resources.reservations': ['devices'],
  'services.*.deploy.resources.reservations.devices[]': [
    'driver',
    'count',
    'device_ids',
    'capabilities',
    'options',
  ],
  'services.*.x-ai-sandbox': ['image_bytes'],
} as const satisfies Record<string, readonly string[]>;

/** Values of `pull_policy`; the last two are one. */
export const PULL_POLICIES = ['always', 'never', 'missing', 'if_not_present'] as const;

/** Top-level keys that docker compose knows and we do not. */
export const UNSUPPORTED_TOP_LEVEL_KEYS: Readonly<Record<string, string>> = {
  configs: 'mount a file under volumes of the service',
  secrets: 'name the value from .env under environment of the service',
  include: 'keep everything in one file',
  models: '',
};
