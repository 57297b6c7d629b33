import type { Signature } from '../types.ts';

const CHECKED =
  'moby 20.10 to 29.7.2 (daemon/create.go, start.go, errors.go, libnetwork), runc 1.1 to 1.4 (libcontainer/init_linux.go, rootfs_linux.go), engine 20.10.24 really asked; user reports 2018 to 2026';

/** Refusals to create or start a container: words of the engine and of runc. */
export const DOCKER_CONTAINER_SIGNATURES: readonly Signature[] = [
  {
    id: 'docker_disk_full',
    family: 'docker',
    code: 'disk_full',
    symptom: 'no space left on device',
    patterns: [
      /(?<!\] ?.{0,20})\bno space left on device/,
      /disk quota exceeded/,
      /no space left on \/var\/lib\/docker/,
    ],
    samples: [
      'failed to register layer: write /opt/venv/lib/libtorch_cuda.so: no space left on device',
      'mkdir /var/lib/docker/overlay2/5eed-init: no space left on device',
      'failed to extract layer sha256:5eed: write /var/lib/containerd/x: no space left on device: unknown',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_port',
    family: 'docker',
    code: 'port_in_use',
    symptom: 'Bind for 0.0.0.0:8000 failed: port is already allocated',
    patterns: [
      /Bind for (?<address>\S{1,60}) failed: port is already allocated/,
      /listen (?:tcp|udp)[46]? (?<address>\S{1,60}): bind: address already in use/,
      /failed to bind host port (?:for )?(?<address>\S{1,80}): address already in use/,
      /failed to (?:bind|listen on) (?:host port |TCP socket ?)?.{0,80}address already in use/,
      /Ports are not available: exposing port \S{1,20} (?<address>\S{1,60})/,
      /port is already allocated/,
    ],
    detail: ({ address }) =>
      address === undefined
        ? 'the port of the container is taken'
        : `${address} is taken by another program or container`,
    remedy: ({ address }) => {
      const port = /:(\d{1,5})(?=$|:|\/)/.exec(address ?? '')?.[1];
      return port === undefined
        ? null
        : `Find its owner with: ss -ltnp 'sport = :${port}' (or docker ps for a container); stop it, or change the port in the compose file.`;
    },
    samples: [
      'driver failed programming external connectivity on endpoint ai-sandbox-api (5eed): Bind for 0.0.0.0:8000 failed: port is already allocated',
      'Error starting userland proxy: listen tcp4 0.0.0.0:3000: bind: address already in use',
      'failed to set up container networking: driver failed programming external connectivity on endpoint ui (5eed): failed to bind host port for 0.0.0.0:3000:172.18.0.2:8080/tcp: address already in use',
      'failed to bind host port 0.0.0.0:8000/tcp: address already in use',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_port_denied',
    family: 'docker',
    code: 'container_option_invalid',
    symptom: 'cannot expose privileged port / bind: cannot assign requested address',
    patterns: [
      /(?:listen|bind)\b.{0,120}bind: (?:permission denied|cannot assign requested address)/,
      /failed to bind host port.{0,120}(?:permission denied|cannot assign requested address)/,
      /cannot expose (?:privileged )?port/,
    ],
    remedy: () =>
      'Correct the address or port under ports: in the compose file; the address must be one of this machine.',
    samples: [
      'Error starting userland proxy: listen tcp4 203.0.113.9:8000: bind: cannot assign requested address',
      'failed to bind host port for 203.0.113.9:3000:172.18.0.2:8080/tcp: cannot assign requested address',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_firewall',
    family: 'docker',
    code: 'firewall_rules_failed',
    symptom: 'iptables failed: No chain/target/match by that name',
    patterns: [
      /iptables failed: /,
      /iptables\S{0,20}: No chain\/target\/match by that name/,
      /(?:unable|failed) to (?:enable|insert|create|append|add|set|setup|set up|remove|delete).{0,100}(?:DNAT rule|NAT chain|FILTER chain|iptables|SKIP DNAT|ACCEPT rule|jump rule|nftables|firewall rule)/i,
      /Chain 'DOCKER\S{0,30}' does not exist/,
      /iptables v\S{1,12} \(\w+\): .{0,60}(?:can't initialize|Could not fetch rule set|table does not exist|Permission denied)/,
      /(?:add|set)ing? (?:inter-network communication|isolation) rule: /i,
      /INVALID_ZONE: docker|ZONE_CONFLICT: '?docker/,
      /IPv4 forwarding is disabled: check your host's firewalling/,
    ],
    samples: [
      'driver failed programming external connectivity on endpoint api (5eed): Unable to enable DNAT rule:  (iptables failed: iptables --wait -t nat -A DOCKER -p tcp -d 0/0 --dport 8000 -j DNAT --to-destination 172.18.0.2:8000 ! -i br-5eed: iptables: No chain/target/match by that name.',
      "iptables v1.8.9 (nf_tables): Chain 'DOCKER' does not exist",
      'failed to start daemon: Error initializing network controller: error obtaining controller instance: failed to create NAT chain DOCKER: Iptables not found',
      'INVALID_ZONE: docker',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_network_pool',
    family: 'docker',
    code: 'network_unavailable',
    symptom: 'could not find an available, non-overlapping IPv4 address pool',
    patterns: [
      /could not find an available, non-overlapping/,
      /all predefined address pools have been fully subnetted/,
      /Pool overlaps with other one on this address space/i,
      /cannot create network \S{1,80} \(\S{1,30}\): conflicts with network/,
      /no available (?:IPv[46] )?addresses (?:on this pool|in)/i,
      /networks have (?:overlapping|same) (?:IPv[46]|bridge name)/,
      /Address already in use(?= *$)(?<!\[Errno.{0,200})/,
    ],
    samples: [
      'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
      'all predefined address pools have been fully subnetted',
      'invalid pool request: Pool overlaps with other one on this address space',
      "no available IPv4 addresses on this network's address pools: bridge (5eed): no available addresses on this pool",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_network_missing',
    family: 'docker',
    code: 'network_missing',
    symptom: 'network ai-sandbox-network not found',
    patterns: [
      /^(?:.{0,60}: )?network (?<network>[\w.-]{1,120}) not found/,
      /network (?<network>[\w.-]{1,120}) declared as external, but could not be found/,
      /could not find (?:a )?network|network with (?:name|ID) .{1,120} not found/i,
      /failed to set up container networking: network (?<network>[\w.-]{1,120}) not found/,
    ],
    remedy: ({ network }) =>
      network === undefined || /^[0-9a-f]{20,}$/.test(network)
        ? 'Make the container anew: docker rm it; the daemon creates container and network again.'
        : `Make it: docker network create ${network}; the network of the services themselves is made anew by itself.`,
    samples: [
      'network no-such-network not found',
      'network proxy declared as external, but could not be found',
      'failed to set up container networking: network 5eed5eed5eed5eed5eed5eed not found',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_name',
    family: 'docker',
    code: 'name_taken',
    symptom: 'Conflict. The container name "/ai-sandbox-api" is already in use by container',
    patterns: [/The container name "\/?(?<name>[^"]{1,200})" is already in use/],
    remedy: ({ name }) =>
      `Rename or remove that container: docker rename ${name ?? 'NAME'} ${name ?? 'NAME'}-old.`,
    samples: [
      'Conflict. The container name "/ai-sandbox-api" is already in use by container "5eed5eed". You have to remove (or rename) that container to be able to reuse that name.',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_command_missing',
    family: 'docker',
    code: 'command_not_found',
    symptom: 'exec: "vllm": executable file not found in $PATH',
    patterns: [
      /exec: \\?"(?<command>(?!nvidia-|docker-credential|runc\b|containerd)[^"\\]{1,200})\\?": executable file not found in \$PATH/,
      /exec: \\?"(?<command>[^"\\]{1,200})\\?": stat \S{1,200}: no such file or directory/,
      /(?:starting container process caused|unable to start container process): (?:error during container init: )?exec: \\?"?(?<command>[^"\\:]{1,200})\\?"?: no such file or directory/,
      /exec (?<command>\/\S{1,200}): no such file or directory/,
      /no command specified/i,
      /\[FATAL tini \(\d+\)\] exec (?<command>\S{1,200}) failed: No such file or directory/,
    ],
    detail: ({ command }) =>
      command === undefined ? 'the container has no command' : `the image has no program ${command}`,
    samples: [
      'OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "vllm": executable file not found in $PATH: unknown',
      'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/app/start.sh": stat /app/start.sh: no such file or directory: unknown',
      'exec /app/start.sh: no such file or directory',
      'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "serve": executable file not found in $PATH: unknown',
      'no command specified',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_command_denied',
    family: 'docker',
    code: 'command_not_executable',
    symptom: 'exec: "/app/start.sh": permission denied',
    patterns: [
      /exec: \\?"(?<command>[^"\\]{1,200})\\?": (?:permission denied|is a directory)/,
      /exec (?<command>\/\S{1,200}): (?:permission denied|is a directory)/,
      /\[FATAL tini \(\d+\)\] exec (?<command>\S{1,200}) failed: (?:Permission denied|Is a directory)/,
    ],
    detail: ({ command }) => `${command ?? 'the command'} may not be executed`,
    samples: [
      'OCI runtime create failed: runc create failed: unable to start container process: exec: "/app/start.sh": permission denied: unknown',
      'exec: "/etc": is a directory: unknown',
      'exec /start.sh: permission denied',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_exec_format',
    family: 'docker',
    code: 'image_wrong_platform',
    symptom: 'exec /usr/bin/vllm: exec format error',
    patterns: [/\bexec format error/i, /cannot execute binary file(?:: Exec format error)?/],
    samples: [
      'exec /usr/local/bin/vllm: exec format error',
      'standard_init_linux.go:228: exec user process caused: exec format error',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_user',
    family: 'docker',
    code: 'container_user_unknown',
    symptom: 'unable to find user app: no matching entries in passwd file',
    patterns: [
      /unable to find (?:user|group) (?<user>\S{1,80}): no matching entries/,
      /no matching entries in (?:passwd|group) file/,
    ],
    samples: [
      'unable to find user nobody-here: no matching entries in passwd file',
      'unable to find group render: no matching entries in group file',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_mount_missing',
    family: 'docker',
    code: 'mount_source_missing',
    symptom: 'bind source path does not exist: /opt/models',
    patterns: [
      /bind source path does not exist: (?<path>\S{1,400})/,
      /error while mounting volume '[^']{1,300}': failed to mount local volume: mount (?<path>[^:\s]{1,300}):.{1,300}: no such file or directory/,
      /mount (?<path>\/[^:\s]{1,300}):\/[^:\s]{1,300} \(via .{1,80}\), .{0,120}: no such file or directory/,
      /volume (?<path>[\w.-]{1,120}) declared as external, but (?:could not be|not) found|get (?<volume>[\w.-]{1,120}): no such volume/,
    ],
    remedy: ({ path }) =>
      path?.startsWith('/') === true
        ? `Create it: mkdir -p ${path}, or correct the mount in the compose file.`
        : null,
    samples: [
      'invalid mount config for type "bind": bind source path does not exist: /no/such/folder',
      "error while mounting volume '/var/lib/docker/volumes/models/_data': failed to mount local volume: mount /mnt/models:/var/lib/docker/volumes/models/_data, flags: 0x1000: no such file or directory",
      'get models: no such volume',
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
      /Mounts denied: ?/,
      /error creating runtime mountpoint|failed to chmod on (?<reason>.{1,200}): operation not permitted/,
    ],
    samples: [
      "error while creating mount source path '/opt/models': mkdir /opt/models: read-only file system",
      "error while creating mount source path '/mnt/nfs/models': mkdir /mnt/nfs: permission denied",
      'error mounting "/mnt/nfs/models" to rootfs at "/root/.cache/huggingface": mount src=/mnt/nfs/models, dst=/root/.cache/huggingface, dstFd=/proc/thread-self/fd/11, flags=MS_BIND|MS_REC: permission denied: unknown',
      'path /mnt/models is mounted on /mnt but it is not a shared mount',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_mount_kind',
    family: 'docker',
    code: 'mount_invalid',
    symptom: 'not a directory: Are you trying to mount a directory onto a file (or vice-versa)?',
    patterns: [
      /Are you trying to mount a directory onto a file/,
      /error mounting "(?<path>[^"]{1,300})" to rootfs.{0,400}(?:not a directory|is a directory)/,
      /invalid mount path: '[^']{0,300}' mount path must be absolute/,
      /Duplicate mount point: /i,
      /invalid (?:mount config for type "\w+"|volume specification|mode|mount target)(?!.{0,40}bind source path does not exist)/,
      /destination can't be '\/'/,
    ],
    samples: [
      'error mounting "/opt/x.yml" to rootfs at "/app/x.yml": mount /opt/x.yml:/app/x.yml (via /proc/self/fd/6), flags: 0x5000: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type',
      "invalid volume specification: '/opt/models:data': invalid mount config for type \"bind\": invalid mount path: 'data' mount path must be absolute",
      'Duplicate mount point: /data',
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
  {
    id: 'docker_limit',
    family: 'docker',
    code: 'resource_limit_refused',
    symptom: 'Range of CPUs is from 0.01 to 2.00 / Minimum memory limit allowed is 6MB',
    patterns: [
      /range of CPUs is from \S+ to \S+/i,
      /Requested (?:CPUs|memory nodes) are not available/,
      /Minimum memory (?:limit|reservation) (?:allowed )?(?:is|can)/i,
      /Minimum memoryswap limit|Memory limit should be smaller than already set memoryswap/i,
      /container init was OOM-killed \(memory limit too low\?\)/,
      /ulimit soft limit must be less than or equal to hard limit/,
      /error setting rlimits? .{0,80}(?:operation not permitted|invalid argument)/i,
      /(?:NanoCPUs|CPU CFS scheduler|memory limit|swap limit) (?:can not|capabilities|support)/i,
    ],
    samples: [
      'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available',
      'Minimum memory limit allowed is 6MB',
      'Requested CPUs are not available - requested 900-901, available: 0-1',
      'OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown',
      'error setting rlimit type 8: operation not permitted: unknown',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_profile',
    family: 'docker',
    code: 'security_profile_missing',
    symptom: 'apparmor failed to apply profile',
    patterns: [
      /apparmor failed to apply profile/,
      /unable to apply apparmor profile/,
      /AppArmor enabled on system but .{0,200}(?:could not be loaded|profile)/,
      /(?:Decoding|error loading|failed to load|opening) seccomp (?:profile|filter)/i,
      /seccomp profile .{0,200}(?:failed|invalid|not)/i,
      /error (?:setting|adding) seccomp (?:filter|rule)/,
      /(?:failed to set|error setting) (?:file|process) label|SELinux.{0,120}(?:failed|not supported)/i,
    ],
    samples: [
      'runc create failed: unable to start container process: error during container init: unable to apply apparmor profile: apparmor failed to apply profile: write /proc/thread-self/attr/apparmor/exec: no such file or directory: unknown',
      'AppArmor enabled on system but the docker-default profile could not be loaded: running `apparmor_parser apparmor_parser -Kr /tmp/docker-default` failed with output: ',
      'Decoding seccomp profile failed: invalid character',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_option',
    family: 'docker',
    code: 'container_option_invalid',
    symptom: 'unknown log opt / invalid CapAdd / conflicting options',
    patterns: [
      /unknown log opt '[^']{1,80}' for/,
      /error looking up (?:logging|volume|network|authorization) plugin/,
      /invalid Cap(?:Add|Drop)|unknown capability/,
      /conflicting options: /i,
      /No such container: (?<container>[\w.-]{1,120})$/,
      /can(?:'|no)t (?:join|use) .{0,80}(?:of another|container|namespace)/i,
      /invalid (?:containerPort|IP address|port specification|hostPort|publish|restart policy|CPU|memory|network mode|isolation|hostname)\b/i,
      /cannot join (?:network|IPC|PID) of a non running container|joining (?:network|IPC|PID) namespace of container/,
      /unknown or invalid runtime name: (?!"?nvidia)/i,
      /^(?:Error response from daemon: )?unknown runtime specified (?!"?nvidia)/i,
      /Cannot mkdir: \S{1,300} is not a directory/,
      /sysctl "?[\w.]{1,80}"? .{0,60}(?:not allowed|not in a separate kernel namespace)/,
      /write sysctl key [\w.]{1,80}: /,
    ],
    samples: [
      "unknown log opt 'no-such' for log driver local",
      'error looking up logging plugin nosuch: plugin "nosuch" not found',
      'invalid CapAdd: unknown capability: "CAP_FLY"',
      'conflicting options: port publishing and the container type network mode',
      'No such container: no-such-container',
      'Cannot mkdir: /etc/passwd is not a directory',
      'write sysctl key net.core.somaxconn: open /proc/sys/net/core/somaxconn: no such file or directory: unknown',
    ],
    checkedAgainst: CHECKED,
  },
];
