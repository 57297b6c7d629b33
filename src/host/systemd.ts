import { execFile } from 'node:child_process';
import { fstatSync, writeSync } from 'node:fs';
import { toPlainLine } from '../lib/plain-text.ts';

/** Tells systemd how the daemon is (sd_notify(3)). Never throws, never waits; without systemd it does nothing. */
export interface Notifier {
  /** READY=1: HTTP listens and the state is loaded. */
  ready(): void;
  /** STATUS=…: the line that `systemctl status` shows. */
  status(text: string): void;
  /** STOPPING=1: on SIGTERM. */
  stopping(): void;
  /** WATCHDOG=1: to be called from a check of the main loop, not from a bare timer. */
  watchdog(): void;
  /** How often {@link watchdog} is to be called: a third of what systemd allows; null when it does not watch. */
  readonly watchdogIntervalMs: number | null;
  /** Resolves when everything has been handed over; within the helper's time limit. */
  flush(): Promise<void>;
}

/** Effects of {@link createNotifier}, replaced in tests. */
export interface NotifierParts {
  pid?: number;
  isSocket?: (descriptor: number) => boolean;
  write?: (descriptor: number, message: string) => void;
  /** Runs `systemd-notify` with these assignments. */
  runHelper?: (assignments: string[]) => Promise<void>;
}

/** File descriptors passed by systemd begin here (sd_listen_fds(3)). */
const FIRST_PASSED_DESCRIPTOR = 3;

/** systemd watches for WATCHDOG=1 within WATCHDOG_USEC; half is its own advice, a third survives one lost message. */
const PINGS_PER_PERIOD = 3;

const HELPER_LIMIT_MS = 2000;

/**
 * Makes the notifier for the environment that systemd gave. Node has no datagram sockets of the Unix kind, so messages go
 * to a connected socket that was passed in (named `notify` in LISTEN_FDNAMES by `OpenFile=`, or its number in
 * SD_NOTIFY_FD by a launcher); where there is none, or it fails, to the program `systemd-notify`, one at a time,
 * with what came meanwhile in the next one.
 */
export function createNotifier(
  env: Readonly<Record<string, string | undefined>>,
  parts: NotifierParts = {},
): Notifier {
  const { pid = process.pid, isSocket = descriptorIsSocket, write = writeMessage } = parts;
  const runHelper = parts.runHelper ?? helperFor(env);
  const watchdogIntervalMs = watchdogInterval(env, pid);
  let descriptor = passedDescriptor(env, pid);
  if (descriptor !== null && !isSocket(descriptor)) descriptor = null;
  const helperIsUseful = (env['NOTIFY_SOCKET'] ?? '') !== '';
  let waiting = new Map<string, string>();
  let running: Promise<void> | null = null;

  const runHelpers = async () => {
    while (waiting.size > 0) {
      const assignments = [...waiting].map(([name, value]) => `${name}=${value}`);
      waiting = new Map();
      await runHelper(assignments).catch(() => undefined);
    }
    running = null;
  };
  const send = (name: string, value: string) => {
    if (descriptor !== null) {
      try {
        write(descriptor, `${name}=${value}`);
        return;
      } catch {
        // The socket of a manager that was started anew is dead for good.
        descriptor = null;
      }
    }
    if (!helperIsUseful) return;
    waiting.set(name, value);
    running ??= Promise.resolve().then(runHelpers);
  };

  return {
    ready: () => send('READY', '1'),
    status: (text) => send('STATUS', toPlainLine(text)),
    stopping: () => send('STOPPING', '1'),
    watchdog: () => {
      if (watchdogIntervalMs !== null) send('WATCHDOG', '1');
    },
    watchdogIntervalMs,
    flush: () => running ?? Promise.resolve(),
  };
}

function passedDescriptor(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  if (env['LISTEN_PID'] === String(pid)) {
    const count = naturalNumber(env['LISTEN_FDS']) ?? 0;
    const at = (env['LISTEN_FDNAMES'] ?? '').split(':').slice(0, count).indexOf('notify');
    if (at >= 0) return FIRST_PASSED_DESCRIPTOR + at;
  }
  return naturalNumber(env['SD_NOTIFY_FD']);
}

function watchdogInterval(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const microseconds = naturalNumber(env['WATCHDOG_USEC']);
  const forUs = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(pid);
  return microseconds === null || microseconds === 0 || !forUs
    ? null
    : Math.floor(microseconds / 1000 / PINGS_PER_PERIOD);
}

function naturalNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function descriptorIsSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket();
  } catch {
    return false;
  }
}

function writeMessage(descriptor: number, message: string): void {
  writeSync(descriptor, message);
}

function helperFor(
  env: Readonly<Record<string, string | undefined>>,
): NonNullable<NotifierParts['runHelper']> {
  // Only what it needs: the environment of the daemon holds secrets.
  const helperEnv = { NOTIFY_SOCKET: env['NOTIFY_SOCKET'] ?? '', PATH: env['PATH'] ?? '/usr/bin:/bin' };
  return (assignments) =>
    new Promise((resolve, reject) => {
      const options = { timeout: HELPER_LIMIT_MS, killSignal: 'SIGKILL', env: helperEnv } as const;
      execFile('systemd-notify', assignments, options, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
}
