import type { ProblemRow } from './row.ts';

/** The Docker engine, registries and images. */
export const DOCKER_PROBLEMS = {
  docker_unreachable: {
    class: 'host',
    title: 'The Docker engine does not answer',
    cause: 'The engine is stopped, hung, or listens on another socket.',
    remedy: 'Start it with: systemctl start docker (or restart it when it hangs: systemctl restart docker).',
  },
  docker_permission_denied: {
    class: 'host',
    title: 'The Docker socket may not be opened',
    cause: 'The daemon runs as a user without rights on the socket.',
    remedy: 'Run the daemon as root, or add its user to the group docker and restart it.',
  },
  engine_unsupported: {
    class: 'host',
    title: 'This kind of Docker engine is not supported',
    cause: 'A rootless or user-remapped engine sees other paths and user ids than the daemon.',
    remedy: 'Use the ordinary engine of the system (unix:///var/run/docker.sock).',
  },
  engine_call_failed: {
    class: 'transient',
    title: 'The Docker engine refused a call',
    cause: 'The engine answered with an error that has no name of its own here; its words are in the detail.',
    remedy: 'Read the detail; it is tried again by itself.',
  },
  engine_broken: {
    class: 'host',
    title: 'The Docker engine cannot start containers',
    cause: 'A part of the engine (containerd, its shim, runc, the storage) is missing, stuck or damaged.',
    remedy:
      'Restart it: systemctl restart containerd docker. If that does not help, reinstall the packages docker-ce and containerd.io.',
  },
  engine_config_invalid: {
    class: 'host',
    title: 'The Docker engine cannot start: its settings have an error',
    cause:
      '/etc/docker/daemon.json is not valid JSON, has an unknown key, or contradicts the options of the service.',
    remedy:
      'Correct the file (check it with: dockerd --validate --config-file /etc/docker/daemon.json), then: systemctl restart docker.',
  },
  name_taken: {
    class: 'fatal',
    title: 'A container of another owner has our name',
    cause:
      'A container with the name of a service stands there without compose labels, so it is never touched.',
    remedy: 'Rename or remove that container; the service starts by itself afterwards.',
  },
  image_not_found: {
    class: 'fatal',
    title: 'The image does not exist',
    cause: 'The registry knows neither this name nor this tag, or shows it only after a login.',
    remedy: 'Correct the image in the compose file, or log in: docker login REGISTRY.',
  },
  registry_login_failed: {
    class: 'fatal',
    title: 'The registry refuses the login',
    cause: 'The registry wants a user and password, or the saved ones are wrong.',
    remedy: 'Log in again: docker login REGISTRY; it is tried again by itself.',
  },
  registry_unreachable: {
    class: 'transient',
    title: 'The image registry does not answer',
    cause: 'The network, DNS, or the registry itself is down.',
    remedy: 'Check the network of this machine; it is tried again by itself.',
  },
  registry_rate_limited: {
    class: 'transient',
    title: 'The image registry limits downloads',
    cause: 'Too many downloads from this address without a login.',
    remedy: 'Log in for a higher limit: docker login REGISTRY; it is tried again by itself.',
  },
  image_pull_failed: {
    class: 'transient',
    title: 'The image could not be pulled',
    cause: 'The engine ended the pull with an error, or without the image being there.',
    remedy: 'Read the detail; it is tried again by itself.',
  },
  image_pull_stalled: {
    class: 'transient',
    title: 'The image pull stood still and was started again',
    cause: 'No byte arrived for the allowed time.',
    remedy: 'Check the network of this machine; it is tried again by itself.',
  },
  image_damaged: {
    class: 'host',
    title: 'The image on the disk is damaged',
    cause:
      'A layer is missing or was not stored whole: a full disk, a power cut, or a pull that was broken off.',
    remedy:
      'Remove it and pull it again: docker rmi -f IMAGE && docker pull IMAGE. If that fails: systemctl restart docker.',
  },
  image_wrong_platform: {
    class: 'fatal',
    title: 'The image is made for another kind of processor',
    cause:
      'The image has no variant for the processor of this machine (x86-64 or arm64), or its program is not one the kernel can run.',
    remedy: 'Use an image or tag for this processor (uname -m tells which it is).',
  },
  disk_too_small: {
    class: 'host',
    title: 'There is not enough space on the disk',
    cause: 'What has to be fetched does not fit beside the reserve that is kept free.',
    remedy: 'Free space (docker image prune, old models), or use a larger disk; it goes on by itself.',
  },
  disk_full: {
    class: 'host',
    title: 'The disk is full',
    cause: 'A write failed because no space is left.',
    remedy: 'Free space (docker image prune, old models); it goes on by itself.',
  },
  log_driver_unreadable: {
    class: 'fatal',
    title: 'The logs of a container cannot be read',
    cause: 'Its log driver does not give logs back, so causes of failures stay unknown.',
    remedy: 'Use the log driver "local" in the compose file.',
  },
} as const satisfies Record<string, ProblemRow>;
