import type { Finding } from '../status/problem.ts';

/** What was asked of the engine: the same words mean another thing in another call. */
export type EngineOperation = 'read' | 'create' | 'start' | 'change' | 'pull' | 'logs';

/** What a wording proves; the engine's own words become the detail. */
type Meaning = Omit<Finding, 'detail'>;

/** A pattern over the engine's words and what it proves. The first row that matches is taken. */
interface Wording {
  pattern: RegExp;
  meaning: Meaning;
}

const REMEDY_DRIVER =
  'Install the NVIDIA driver so that nvidia-smi works, then restart Docker: systemctl restart docker.';
const REMEDY_CDI =
  'Run: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml, then: systemctl restart docker.';

/** GPU refusals: the NVIDIA container toolkit (`nvidia-container-cli`), moby's device requests and CDI. */
const GPU_WORDINGS: readonly Wording[] = [
  {
    pattern: /driver\/library version mismatch/i,
    meaning: {
      code: 'gpu_missing',
      remedy: 'The driver was upgraded under the running kernel module: reboot.',
    },
  },
  {
    pattern: /nvml error: driver not loaded/i,
    meaning: {
      code: 'gpu_missing',
      remedy: 'Load the kernel module: modprobe nvidia; if that fails, reinstall the driver for this kernel.',
    },
  },
  {
    pattern: /load library failed: lib(nvidia-ml|cuda)/i,
    meaning: { code: 'gpu_missing', remedy: REMEDY_DRIVER },
  },
  {
    pattern: /unsatisfied condition: (cuda|driver|brand|arch)/i,
    meaning: {
      code: 'gpu_missing',
      remedy: 'The driver is too old for this image: upgrade the driver, or use an image for an older CUDA.',
    },
  },
  {
    pattern: /nvidia-container-cli: device error|unknown device id|unknown device: unknown/i,
    meaning: {
      code: 'gpu_missing',
      remedy: 'Compare the device ids in the compose file with: nvidia-smi -L; reboot if a GPU is gone.',
    },
  },
  {
    pattern: /CDI device injection failed|unresolvable CDI devices|no CDI device driver registered/i,
    meaning: { code: 'gpu_missing', remedy: REMEDY_CDI },
  },
  { pattern: /could not select device driver/i, meaning: { code: 'gpu_missing' } },
  { pattern: /unknown or invalid runtime name: "?nvidia/i, meaning: { code: 'gpu_missing' } },
  { pattern: /unknown runtime specified "?nvidia/i, meaning: { code: 'gpu_missing' } },
  { pattern: /nvidia-container-(cli|runtime)|failed to initialize NVML/i, meaning: { code: 'gpu_missing' } },
];

const DISK_FULL: Wording = {
  pattern: /no space left on device|disk quota exceeded/i,
  meaning: { code: 'disk_full' },
};

/** Refusals of create and start: moby's and runc's words, engines 20.10 to 29. */
const CONTAINER_WORDINGS: readonly Wording[] = [
  DISK_FULL,
  {
    pattern: /port is already allocated|bind: address already in use|failed to bind host port/i,
    meaning: { code: 'port_in_use' },
  },
  ...GPU_WORDINGS,
  {
    pattern: /\bnetwork (?:with (?:name|id) )?\S+ not found|could not find (?:a )?network/i,
    meaning: { code: 'network_missing' },
  },
  {
    pattern: /bind source path does not exist/i,
    meaning: { code: 'mount_source_missing' },
  },
  {
    pattern:
      /executable file not found in \$PATH|exec: "[^"]*": stat [^:]*: no such file or directory|no command specified/i,
    meaning: { code: 'command_not_found' },
  },
];

/** Failures of a pull: moby's and containerd's words around those of the registry. */
const PULL_WORDINGS: readonly Wording[] = [
  DISK_FULL,
  {
    pattern: /toomanyrequests|too many requests|pull rate limit/i,
    meaning: { code: 'registry_rate_limited' },
  },
  {
    pattern: /no matching manifest for|does not match the specified platform/i,
    meaning: {
      code: 'image_not_found',
      remedy: 'This image is not made for the processor of this machine: choose another image or tag.',
    },
  },
  {
    pattern:
      /manifest unknown|manifest for .* not found|repository does not exist|repository name not known|name unknown|invalid reference format|failed to resolve reference .*: not found/i,
    meaning: { code: 'image_not_found' },
  },
  {
    pattern: /x509:|certificate (is not trusted|signed by unknown)/i,
    meaning: {
      code: 'registry_unreachable',
      remedy:
        "Put the registry's certificate authority into /etc/docker/certs.d/REGISTRY/ca.crt; it is tried again by itself.",
    },
  },
  {
    pattern:
      /unauthorized|no basic auth credentials|authentication required|incorrect username or password|insufficient_scope|authorization failed|failed to authorize|\bdenied\b|401 |403 Forbidden/i,
    meaning: { code: 'registry_login_failed' },
  },
  {
    pattern:
      /dial tcp|no such host|connection (refused|reset)|i\/o timeout|timeout exceeded|handshake timeout|deadline exceeded|network is unreachable|no route to host|server misbehaving|gave HTTP response to HTTPS|unexpected HTTP status|50[0234] |\bEOF\b|request canceled/i,
    meaning: { code: 'registry_unreachable' },
  },
];

const LOG_WORDINGS: readonly Wording[] = [
  {
    pattern: /logging driver does not support reading|does not support reading/i,
    meaning: { code: 'log_driver_unreadable' },
  },
];

/** What the engine's words prove in this call; null when they have no name of their own here. */
export function findWording(operation: EngineOperation, words: string): Meaning | null {
  return wordingsOf(operation).find((row) => row.pattern.test(words))?.meaning ?? null;
}

function wordingsOf(operation: EngineOperation): readonly Wording[] {
  switch (operation) {
    case 'create':
    case 'start':
      return CONTAINER_WORDINGS;
    case 'pull':
      return PULL_WORDINGS;
    case 'logs':
      return LOG_WORDINGS;
    case 'change':
    case 'read':
      return [DISK_FULL];
  }
}
