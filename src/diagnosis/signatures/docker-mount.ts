import type { Signature } from '../types.ts';

const CHECKED =
  'moby 20.10 to 29.7.2 (volume/mounts, daemon/volumes_unix.go), runc 1.1 to 1.4 (rootfs_linux.go), engine 20.10.24 really asked; user reports 2018 to 2026';

/** Refusals of mounts and devices: words of the engine and of runc. */
export const DOCKER_MOUNT_SIGNATURES: readonly Signature[] = [
  {
    id: 'docker_mount_missing',
    family: 'docker',
    code: 'mount_source_missing',
    symptom: 'bind source path does not exist: /opt/models',
    patterns: [
      /bind source path does not exist: (?<path>\S{1,400})/,
      /error while mounting volume '[^']{1,300}': failed to mount local volume: mount (?<path>[^:\s]{1,300}):.{1,300}: no such file or directory/,
      /mount (?<path>\/[^:\s]{1,300}):\/[^:\s]{1,300} \(via .{1,80}\), .{0,120}: no such file or directory/,
      /(?:open|stat|lstat) (?<path>\/\S{0,200}\/volumes\/\S{1,200}): no such file or directory/,
      /rootfs_linux\.go:\d+: mounting .{1,600} caused .{0,200}no such file or directory/,
      /cannot access path (?<path>\/\S{1,300}): lstat .{1,400}: no such file or directory/,
      /volume (?<path>[\w.-]{1,120}) declared as external, but (?:could not be|not) found|get (?<volume>[\w.-]{1,120}): no such volume|external volume "[\w.-]{1,120}" not found/,
    ],
    remedy: ({ path }) =>
      path?.startsWith('/') === true
        ? `Create it: mkdir -p ${path}, or correct the mount in the compose file.`
        : null,
    samples: [
      'invalid mount config for type "bind": bind source path does not exist: /no/such/folder',
      "error while mounting volume '/var/lib/docker/volumes/models/_data': failed to mount local volume: mount /mnt/models:/var/lib/docker/volumes/models/_data, flags: 0x1000: no such file or directory",
      'get models: no such volume',
      'Error response from daemon: open /var/lib/docker/volumes/models/_data: no such file or directory',
      'cannot access path /var/lib/docker/volumes/models/_data/none: lstat /var/lib/docker/volumes/models/_data/none: no such file or directory',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_mount_denied',
    family: 'docker',
    code: 'mount_denied',
    symptom: "error while creating mount source path '/opt/models': permission denied",
    patterns: [
      /error while creating mount source path '(?<path>[^']{1,400})': (?<reason>.{1,200})/,
      /error mounting "(?<path>[^"]{1,300})" to rootfs.{0,400}: (?<reason>permission denied|operation not permitted|read-only file system|stale NFS file handle|stale file handle|transport endpoint is not connected|input\/output error|no such device)/,
      /path (?<path>\/\S{0,300}) is mounted on \S{1,200} but it is not a (?:shared|slave) mount/,
      /failed to mount local volume: mount .{1,400}: (?<reason>permission denied|connection refused|invalid argument|no such device|operation not permitted)/,
      /Mounts denied: ?|status code not OK but 500: .{0,200}(?:Access is denied|UnauthorizedAccess|Filesharing)/,
      /user declined directory sharing|drive is not shared/,
      /rootfs_linux\.go:\d+: mounting .{1,600} caused .{0,200}(?<reason>permission denied|operation not permitted|read-only file system|no such device)/,
      /(?<reason>VolumeDriver\.(?:Mount|Create): .{1,200})/,
      /create mountpoint for (?<path>\S{1,300}) mount: .{0,400}: (?<reason>read-only file system|permission denied)/,
      /daemon: mkdir (?<path>(?!\/(?:var\/lib\/(?:docker|containerd)|run)\/)\/\S{1,300}): (?<reason>permission denied|read-only file system|operation not permitted)/,
      /daemon: mkdir (?<path>[A-Z]:.{1,200}): (?<reason>Access is denied)/,
      /error creating runtime mountpoint|failed to chmod on (?<reason>.{1,200}): operation not permitted/,
    ],
    samples: [
      "error while creating mount source path '/opt/models': mkdir /opt/models: read-only file system",
      "error while creating mount source path '/mnt/nfs/models': mkdir /mnt/nfs: permission denied",
      'error mounting "/mnt/nfs/models" to rootfs at "/root/.cache/huggingface": mount src=/mnt/nfs/models, dst=/root/.cache/huggingface, dstFd=/proc/thread-self/fd/11, flags=MS_BIND|MS_REC: permission denied: unknown',
      'path /mnt/models is mounted on /mnt but it is not a shared mount',
      'Error response from daemon: mkdir /srv/models: permission denied',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_mount_kind',
    family: 'docker',
    code: 'mount_invalid',
    symptom: 'not a directory: Are you trying to mount a directory onto a file (or vice-versa)?',
    patterns: [
      /Are you trying to mount a directory onto a file|container for service \S{1,120}: not a directory/,
      /rootfs_linux\.go:\d+: mounting .{1,600} caused .{0,200}(?:not a directory|is a directory)/,
      /error mounting "(?<path>[^"]{1,300})" to rootfs.{0,400}(?:not a directory|is a directory)/,
      /includes invalid characters for a local volume name/,
      /invalid mount path: '[^']{0,300}' mount path must be absolute/,
      /Duplicate mount point: /i,
      /invalid (?:mount config for type "\w+"|volume specification|mode|mount target)(?!.{0,40}bind source path does not exist)/,
      /destination can't be '\/'/,
      /mount destination .{0,200} not absolute/,
      /error mounting "(?<path>[^"]{1,300})" to rootfs.{0,400}(?:change mount propagation|open o_path procfd)/,
      /cannot mount volume over existing file, file exists (?<path>\S{1,300})/,
      /mountpoint "(?<path>[^"]{1,300})" is (?:outside of|on the top of) rootfs/,
      /"(?<path>[^"]{1,300})" cannot be mounted because it is (?:inside \/proc|not of type proc)/,
      /filesystem "[^"]{1,40}" must be mounted on ordinary directory/,
    ],
    samples: [
      'error mounting "/opt/x.yml" to rootfs at "/app/x.yml": mount /opt/x.yml:/app/x.yml (via /proc/self/fd/6), flags: 0x5000: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type',
      "invalid volume specification: '/opt/models:data': invalid mount config for type \"bind\": invalid mount path: 'data' mount path must be absolute",
      'Duplicate mount point: /data',
      'Error response from daemon: create data/models: "data/models" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
      'error mounting "/var/lib/docker/volumes/foo/_data" to rootfs at "/var/lib/postgresql/data": change mount propagation through procfd: open o_path procfd: open /var/lib/docker/overlay2/5eed/merged/var/lib/postgresql/data: no such file or directory: unknown',
      'cannot mount volume over existing file, file exists /var/lib/docker/overlay2/5eed/merged/data',
      'error mounting "proc" to rootfs at "/proc/x": "/proc/x" cannot be mounted because it is inside /proc: unknown',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_device',
    family: 'docker',
    code: 'device_missing',
    symptom: 'error gathering device information while adding custom device "/dev/nvidia0"',
    patterns: [/error gathering device information while adding custom device "(?<device>[^"]{1,200})"/],
    detail: ({ device }) => `the host has no ${device ?? 'such device'}`,
    samples: [
      'error gathering device information while adding custom device "/dev/nvidia0": no such file or directory',
    ],
    checkedAgainst: CHECKED,
  },
];
