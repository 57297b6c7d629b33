import type { Signature } from '../types.ts';

const CHECKED =
  'moby 20.10 to 29.7.2 (daemon/, cmd/dockerd, client/errors.go), containerd 1.6 to 2.1 (shim), runc 1.1 to 1.4 (libcontainer/cgroups); user reports 2018 to 2026';

/** The engine itself: its socket, its parts and its own log. */
export const DOCKER_ENGINE_SIGNATURES: readonly Signature[] = [
  {
    id: 'docker_socket_denied',
    family: 'docker',
    code: 'docker_permission_denied',
    symptom: 'permission denied while trying to connect to the Docker daemon socket',
    patterns: [
      /permission denied while trying to connect to the (?:Docker|docker) (?:daemon|API)/,
      /dial unix \S{0,100}docker\.sock: connect: permission denied/,
    ],
    samples: [
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.45/containers/json": dial unix /var/run/docker.sock: connect: permission denied',
      'permission denied while trying to connect to the docker API at unix:///var/run/docker.sock',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_away',
    family: 'docker',
    code: 'docker_unreachable',
    symptom:
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    patterns: [
      /Cannot connect to the Docker daemon/i,
      /Is the docker daemon running\?/i,
      /dial unix \S{0,100}docker\.sock: connect: (?:no such file or directory|connection refused)/,
      /error during connect: .{0,300}(?:refused|EOF|no such file|reset by peer|timeout)/,
      /failed to connect to the docker API at /,
      /error waiting for container: (?:unexpected EOF|EOF|invalid character)/,
      /containerd(?: did not exit successfully|: process exited|-shim).{0,80}daemon is shutting down/,
    ],
    samples: [
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": EOF',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_service',
    family: 'docker',
    code: 'docker_unreachable',
    strength: 'weak',
    symptom: 'Job for docker.service failed because the control process exited with error code',
    patterns: [
      /docker\.service: (?:Failed with result|Start request repeated too quickly|(?:Main|Control) process exited)/,
      /Job for docker\.service failed/,
      /Failed to start (?:docker\.service|Docker Application Container Engine)/,
      /dockerd not present or not executable/,
    ],
    remedy: () =>
      'Read why the engine does not start: journalctl -u docker -n 50; then: systemctl start docker.',
    samples: [
      "docker.service: Failed with result 'exit-code'.",
      'Job for docker.service failed because the control process exited with error code.',
      'Failed to start docker.service - Docker Application Container Engine.',
    ],
    checkedAgainst: 'systemd 245 to 257',
  },
  {
    id: 'docker_config',
    family: 'docker',
    code: 'engine_config_invalid',
    symptom: 'unable to configure the Docker daemon with file /etc/docker/daemon.json',
    patterns: [
      /unable to configure the Docker daemon with file/,
      /the following directives are specified both as a flag and in the configuration file/,
      /the following directives don't match any configuration option/,
      /failed to load listeners: /,
      /unknown flag: --\S{1,60}.{0,40}dockerd/,
    ],
    samples: [
      "unable to configure the Docker daemon with file /etc/docker/daemon.json: invalid character '}' looking for beginning of object key string",
      'unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives are specified both as a flag and in the configuration file: hosts: (from flag: [fd://], from file: [tcp://127.0.0.1:2375])',
      'failed to load listeners: no sockets found via socket activation: make sure the service was started by systemd',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_api_version',
    family: 'docker',
    code: 'engine_unsupported',
    symptom: 'client version 1.53 is too new. Maximum supported API version is 1.41',
    patterns: [/client version \S+ is too (?:old|new)\. (?:Minimum|Maximum) supported API version/],
    remedy: () => 'Upgrade Docker Engine on this machine (20.10 or newer), or the client that asks it.',
    samples: [
      'client version 1.53 is too new. Maximum supported API version is 1.41',
      'client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_cgroup',
    family: 'docker',
    code: 'cgroup_failure',
    symptom: 'cgroups: cgroup mountpoint does not exist',
    patterns: [
      /cgroups?: cgroup mountpoint does not exist/,
      /unable to apply cgroup configuration/,
      /Devices cgroup isn't mounted/,
      /^(?!.{0,400}nvidia).{0,600}bpf_prog_query\(BPF_CGROUP_DEVICE\) failed/,
      /unable to start unit "?docker-\S{0,100}/,
      /error (?:setting|applying) cgroup config/,
      /cgroup-parent for systemd cgroup should be a valid slice/,
      /(?:failed to|can't|cannot|unable to) (?:write|open|create|get|read|apply|load|set|freeze|kill all processes in|join).{0,80}cgroup/i,
      /cgroups?: .{0,80}(?:permission denied|no such file or directory|device or resource busy|invalid argument|read-only file system)/i,
      /(?:cannot|can't) enter cgroupv2 .{0,120}with domain controllers/,
      /openat2 \/sys\/fs\/cgroup\S{0,200}: no such file or directory/,
    ],
    samples: [
      'cgroups: cgroup mountpoint does not exist: unknown',
      'OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: unable to start unit "docker-5eed.scope" (properties [{Name:Description Value:"libcontainer container 5eed"}]): Message recipient disconnected from message bus without replying: unknown',
      "Devices cgroup isn't mounted",
      'error setting cgroup config for procHooks process: openat2 /sys/fs/cgroup/system.slice/docker-5eed.scope/memory.max: no such file or directory: unknown',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_storage',
    family: 'docker',
    code: 'engine_broken',
    symptom: 'error initializing graphdriver / driver not supported',
    patterns: [
      /error initializing graphdriver/,
      /prior storage driver \S{1,30} (?:failed|is not supported)/,
      /(?:failed to mount overlay|overlay2?: .{0,80}): (?:invalid argument|no such device|operation not permitted)/,
      /(?:failed to start|Error starting) daemon: (?!.{0,300}(?:iptables|no available network|address pool|predefined network|NAT chain|no space left|process with PID|configure the Docker daemon|listeners|address already in use|Devices cgroup|directives))/,
      /failed to start daemon, ensure docker is not running or delete/,
      /process with PID \d+ is still running/,
      /timeout waiting for containerd to start|failed to start containerd: /,
      /(?:\/var\/lib\/docker|boltdb|local-kv\.db|metadata\.db).{0,120}(?:timeout|input\/output error|invalid database|read-only file system)/,
    ],
    samples: [
      'failed to start daemon: error initializing graphdriver: driver not supported: overlay2',
      'failed to start daemon, ensure docker is not running or delete /var/run/docker.pid: process with PID 1234 is still running',
      'failed to start containerd: timeout waiting for containerd to start',
      'Error starting daemon: error while opening volume store metadata database: timeout',
      'prior storage driver overlay2 failed: driver not supported',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'docker_shim',
    family: 'docker',
    code: 'engine_broken',
    symptom: 'failed to create shim task / runc did not terminate successfully / ttrpc: closed',
    patterns: [
      /failed to start shim: /,
      /containerd-shim(?:-runc-v\d)?"?:? .{0,80}(?:not found|file does not exist|no such file|permission denied|resource temporarily unavailable)/,
      /runc did not terminate successfully/,
      /ttrpc: closed|ttrpc: server shutting down|shim (?:exited|disconnected)(?: unexpectedly)?/,
      /connection error: desc = "?\\?"?transport: .{0,160}containerd\S{0,40}\.sock/,
      /(?:exec: \\?"runc\\?"|fork\/exec \S{0,60}runc): .{0,80}(?:not found|no such file)/,
      /failed to create (?:containerd )?(?:task|container)(?: for container)?: .{0,160}(?:already exists|context deadline exceeded|unavailable: )/,
      /(?:OCI runtime (?:create|start|exec) failed|runc (?:create|run) failed): .{0,120}(?:unable to retrieve OCI runtime error|can't get final child's PID|waiting for init preliminary setup|error reading (?:from )?init)/,
      /runtime\/cgo: pthread_create failed|fork\/exec \S{1,120}: resource temporarily unavailable/,
      /unable to start container process: (?:can't (?:copy|get)|.{0,60}unable to apply caps)|unsafe procfs detected/,
    ],
    samples: [
      'failed to start shim: fork/exec /usr/bin/containerd-shim-runc-v2: resource temporarily unavailable: unknown',
      'failed to create task for container: failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open /run/containerd/io.containerd.runtime.v2.task/moby/5eed/log.json: no such file or directory): runc did not terminate successfully: exit status 127: : unknown',
      'failed to create shim task: ttrpc: closed: unknown',
      'connection error: desc = "transport: Error while dialing: dial unix:///run/containerd/containerd.sock: timeout": unavailable',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'kernel_oom',
    family: 'docker',
    code: 'out_of_memory',
    strength: 'weak',
    symptom: 'kernel: Memory cgroup out of memory: Killed process 4242 (python3)',
    patterns: [
      /(?<scope>Memory cgroup out|Out) of memory(?: \([^)]{1,60}\))?: Kill(?:ed)? process (?<pid>\d+) \((?<process>[^)]{1,60})\)/,
      /oom-kill:constraint=(?<scope>CONSTRAINT_\w+).{0,600},task=(?<process>[^,]{1,60}),pid=(?<pid>\d+)/,
    ],
    detail: ({ scope = '', process, pid }) =>
      `the kernel ended ${process} (process ${pid}) because ${
        /cgroup|MEMCG/.test(scope)
          ? 'its container reached its memory limit'
          : 'the memory of the machine ran out'
      }`,
    samples: [
      'Memory cgroup out of memory: Killed process 4242 (VLLM::EngineCor) total-vm:6291456kB, anon-rss:1048576kB',
      'Out of memory: Killed process 977 (python3) total-vm:29360128kB, anon-rss:15728640kB, file-rss:0kB',
    ],
    checkedAgainst: 'Linux 4.19 to 6.12 (mm/oom_kill.c)',
  },
  {
    id: 'docker_refused',
    family: 'docker',
    code: 'container_start_refused',
    strength: 'weak',
    symptom: 'Error response from daemon, with words that have no name here',
    patterns: [
      /^(?:docker: )?Error response from daemon: (?<words>.{3,400})/,
      /OCI runtime (?:create|start) failed: (?<words>.{3,400})/,
      /cannot start (?:service|container) \S{1,120}: (?<words>.{3,400})/i,
    ],
    detail: ({ words }) => words ?? 'the engine refused the start',
    samples: ['Error response from daemon: something that nobody has seen before went wrong'],
    checkedAgainst: CHECKED,
  },
];
