import type { ProblemRow } from './row.ts';

/** What the engine refuses to start, and why. */
export const CONTAINER_PROBLEMS = {
  container_start_refused: {
    class: 'transient',
    title: 'The engine refused to start the container',
    cause: 'The engine named a reason that has no name of its own here; its words are in the detail.',
    remedy: 'Read the detail and mend what it names; it is tried again by itself.',
  },
  command_not_found: {
    class: 'fatal',
    title: 'The command of the container does not exist in its image',
    cause: 'The command or entrypoint in the compose file names a program the image does not have.',
    remedy: 'Correct command or entrypoint in the compose file; it is applied by itself.',
  },
  command_not_executable: {
    class: 'fatal',
    title: 'The command of the container may not be executed',
    cause:
      'The file has no right to be executed, is a directory, or lies on a file system that forbids it (noexec).',
    remedy: 'Correct command or entrypoint in the compose file, or make the file executable: chmod +x FILE.',
  },
  mount_source_missing: {
    class: 'fatal',
    title: 'A directory that is to be mounted does not exist',
    cause: 'The compose file mounts a host path that is not there, and forbids creating it.',
    remedy: 'Create the directory that is named, or allow its creation in the compose file.',
  },
  mount_invalid: {
    class: 'fatal',
    title: 'A mount of the container is not possible',
    cause:
      'A file is mounted on a directory or the other way round, a path is not absolute, or two mounts have one target.',
    remedy:
      'Correct the mount that the detail names in the compose file; a missing file on the host was perhaps made as a directory.',
  },
  mount_denied: {
    class: 'host',
    title: 'A directory cannot be mounted or created',
    cause:
      'The host path may not be read or made: rights, a read-only disk, SELinux, or a network disk that is away.',
    remedy: 'Mend the rights of the path that is named, or mount its disk; it is tried again by itself.',
  },
  container_option_invalid: {
    class: 'fatal',
    title: 'The engine does not accept an option of the container',
    cause:
      'The compose file asks for something that this engine does not know, or that contradicts something else.',
    remedy: 'Correct what the detail names in the compose file; it is applied by itself.',
  },
  container_user_unknown: {
    class: 'fatal',
    title: 'The user of the container does not exist in its image',
    cause: 'user: in the compose file names a user or group that the image does not have.',
    remedy: 'Correct user: in the compose file, or use numbers (1000:1000).',
  },
  device_missing: {
    class: 'host',
    title: 'A device that the container asks for does not exist',
    cause: 'The compose file names a device file of the host that is not there.',
    remedy: 'Correct devices: in the compose file; where it is a GPU, check the driver: nvidia-smi.',
  },
  network_missing: {
    class: 'transient',
    title: 'The network of the container does not exist',
    cause: 'It was removed, or is named external in the compose file and was never made.',
    remedy:
      'Make it: docker network create NAME; the network of the services themselves is made anew by itself.',
  },
  network_unavailable: {
    class: 'host',
    title: 'The engine has no addresses left for a network',
    cause:
      'All address ranges are in use by other networks, or the wanted one overlaps with one of the machine.',
    remedy:
      'Remove unused networks: docker network prune; or set default-address-pools in /etc/docker/daemon.json.',
  },
  firewall_rules_failed: {
    class: 'host',
    title: 'The engine cannot set its firewall rules',
    cause:
      'Something else (ufw, firewalld, a script) removed the chains of Docker, or iptables does not work with this kernel.',
    remedy:
      'Let the engine set them anew: systemctl restart docker. If it persists, check iptables: update-alternatives --display iptables.',
  },
  resource_limit_refused: {
    class: 'fatal',
    title: 'A limit of the container cannot be set',
    cause:
      'The compose file asks for more CPUs than there are, for too little memory, or for limits that exclude each other.',
    remedy: 'Correct the limits that the detail names in the compose file.',
  },
  cgroup_failure: {
    class: 'host',
    title: 'The engine cannot set up the control group of the container',
    cause:
      'The cgroup file systems are missing or were changed, or engine and systemd do not agree on who manages them.',
    remedy:
      'Restart the engine: systemctl restart docker; if it persists, reboot. Engine and kernel must use the same cgroup version.',
  },
  security_profile_missing: {
    class: 'host',
    title: 'A security profile cannot be applied',
    cause: 'The AppArmor, seccomp or SELinux profile is missing, not loaded, or has an error.',
    remedy: 'Load it again: systemctl restart apparmor docker; or correct security_opt in the compose file.',
  },
  port_in_use: {
    class: 'transient',
    title: 'A port is taken by another program',
    cause: 'Another process or container already listens on the port of this service.',
    remedy:
      'Find its owner with: ss -ltnp (docker ps where Docker has given the port away itself); stop it, or change the port in the compose file.',
  },
  port_left_taken: {
    class: 'transient',
    title: 'Docker keeps a port for no container',
    cause:
      'A power cut, or a kill of Docker, in the middle of the start of a container can leave its port taken inside Docker.',
    remedy:
      'Restart Docker, which frees it: systemctl restart docker. The daemon does so itself, once, where nothing but its own containers runs.',
  },
} as const satisfies Record<string, ProblemRow>;
