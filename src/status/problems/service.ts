import type { ProblemRow } from './row.ts';

/** Any service: how it ended, or what it does not answer. */
export const SERVICE_PROBLEMS = {
  container_exited: {
    class: 'restart',
    title: 'The service ended without being asked to',
    cause:
      'Its main process exited; the exit code 0 is a failure too. The last lines of its log stand in last_exit.',
    remedy: 'It is restarted by itself; if it comes back, read: ai-sandbox logs SERVICE.',
  },
  out_of_memory: {
    class: 'host',
    title: 'The service was killed because the memory ran out',
    cause: 'The kernel ended the largest process of the container.',
    remedy: 'Give the container or the machine more memory, or use a smaller model.',
  },
  not_responding: {
    class: 'restart',
    title: 'The service ran but answered no request',
    cause: 'Three probes in a row were missed; the process is there but hangs.',
    remedy: 'It is killed and restarted by itself; if it comes back, read: ai-sandbox logs SERVICE.',
  },
  container_unreachable: {
    class: 'host',
    title: 'The service cannot be reached, so that nobody knows whether it is ready',
    cause:
      'Its container has no address that this machine can dial: network_mode none, or a network that keeps it from its host (macvlan, ipvlan), and no published port.',
    remedy:
      'Publish the port of the service in the compose file, for this machine alone: ports: ["127.0.0.1:PORT:PORT"]; or put it into a network of driver bridge. It is left running meanwhile.',
  },
  requests_refused: {
    class: 'transient',
    title: 'The service runs, but refuses what it is there for',
    cause:
      'It answers, but serves another model, refuses a chat, or says itself that it is not ready; its words are in the detail.',
    remedy:
      'Read the detail and make the command or settings of the service in the compose file fit; its reasons: ai-sandbox logs SERVICE.',
  },
  start_stalled: {
    class: 'restart',
    title: 'The service stopped making progress while starting',
    cause: 'No byte, log line or phase moved for the silence limit.',
    remedy: 'It is restarted by itself; if it comes back, read: ai-sandbox logs SERVICE.',
  },
  restart_loop: {
    class: 'fatal',
    title: 'The service fails again and again for the same cause',
    cause: 'Several restarts in a short time ended in the same failure.',
    remedy: 'Mend the cause in last_exit, then: ai-sandbox restart SERVICE.',
  },
  process_limit_reached: {
    class: 'host',
    title: 'The system allows no more threads, processes or open files',
    cause: 'A limit of the container, of systemd or of the kernel is reached.',
    remedy: 'Raise the limit (ulimits or pids_limit in the compose file), or set OMP_NUM_THREADS=1.',
  },
  process_killed: {
    class: 'restart',
    title: 'The process was killed from outside',
    cause: 'It got SIGKILL: by a person, by the engine, or by the kernel when memory ran out.',
    remedy: 'Look for an OOM kill in the kernel log (dmesg); it is restarted by itself.',
  },
  process_crashed: {
    class: 'restart',
    title: 'The program crashed in native code',
    cause: 'It ended with a signal such as SIGSEGV or SIGABRT.',
    remedy:
      'It is restarted by itself; if it comes back, update the GPU driver and the image, and look for Xid errors (dmesg).',
  },
  stopped_while_starting: {
    class: 'restart',
    title: 'It was stopped while it was still starting',
    cause: 'A person, a deadline or a health check ended it before the model was loaded.',
    remedy: 'Give it more time: raise the start deadline of whatever stopped it.',
  },
  file_permission_denied: {
    class: 'host',
    title: 'A file or directory may not be used',
    cause: 'The user of the container has no rights on it, or its file system is read-only.',
    remedy: 'Mend the rights of the path that is named (owner, mode, read-only mounts).',
  },
} as const satisfies Record<string, ProblemRow>;
