import { statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/status/schema.ts';
import type { CommandResult, PrivateEngine } from '../support/engine.ts';
import { rootImage, type Suite } from './root-image.ts';

/** Between two looks at something that is waited for. */
const LOOK_INTERVAL_MS = 250;
/** From power to a system that says it has started; one second on a machine at rest. */
const BOOT_LIMIT_MS = 60_000;
/** What systemd has for an orderly end before the power goes. */
const SHUTDOWN_SECONDS = 60;
const COMMAND_LIMIT_MS = 120_000;
/** The end of a log that a failing wait repeats. */
const LINES_SHOWN = 40;

/** How a machine is made. */
export interface MachineOptions {
  suite?: Suite;
  /** Default: the bare root of the suite. Another one comes from {@link Machine.saveAs}. */
  image?: string;
  /** Without a network until {@link Machine.setNetwork}. */
  network?: boolean;
  /** More arguments of `docker create`, for example `-v DIR:DIR:ro`. */
  arguments?: string[];
}

/**
 * A booted Debian: systemd as PID 1 of a container, with room for a Docker engine inside. What stands under `/var/lib/docker`
 * and on the disk outlives a reboot and a power cut; `/run`, `/tmp` and `/dev` do not. Its clock and kernel are those of the
 * machine it runs on.
 */
export interface Machine {
  readonly name: string;
  readonly suite: Suite;
  /** Runs a line of bash as root inside; never throws for a failing command. */
  run(line: string, options?: { timeoutMs?: number; input?: string }): Promise<CommandResult>;
  /** The same for a line that must succeed; returns its stdout without the last line end. Throws with what it said. */
  must(line: string, options?: { timeoutMs?: number; input?: string }): Promise<string>;
  write(path: string, content: string, mode?: string): Promise<void>;
  /** Copies a file or folder of this computer into the machine. */
  copyIn(from: string, to: string): Promise<void>;
  /** `systemctl reboot` from outside: an orderly stop of everything, then a boot. */
  reboot(): Promise<void>;
  /** SIGKILL to all of it at once; nothing is running afterwards. */
  cutPower(): Promise<void>;
  /** Boots what is off. */
  powerOn(): Promise<void>;
  /** Plugs the network cable in or out. */
  setNetwork(on: boolean): Promise<void>;
  /** Everything that came on the console since the machine was made, as text without colours. */
  console(): Promise<string>;
  /** What a login shows before the prompt: the login message as PAM reads it. */
  login(): Promise<string>;
  /** `/status` of the daemon inside; null while it does not answer. */
  status(): Promise<Status | null>;
  /** Waits until a status fits; throws with what was seen last and the end of the journal. */
  waitFor(fits: (status: Status) => boolean, what: string, limitMs: number): Promise<Status>;
  /** Waits until a line of bash succeeds; throws with what it said last. */
  waitUntil(line: string, what: string, limitMs: number): Promise<string>;
  /** The disk as it is, without `/var/lib/docker`, as an image for other machines. */
  saveAs(tag: string): Promise<void>;
  remove(): Promise<void>;
}

/** What a container needs to boot systemd and to run an engine; `--privileged` asks for more than every host has. */
const BOOT_ARGUMENTS = [
  '--tty', // a console
  '--stop-signal=SIGRTMIN+3',
  '--cap-add=SYS_ADMIN',
  '--cap-add=NET_ADMIN',
  '--cap-add=SYS_PTRACE',
  '--cap-add=MKNOD',
  '--security-opt=seccomp=unconfined',
  '--security-opt=apparmor=unconfined',
  '--device-cgroup-rule=a *:* rwm',
  '--tmpfs=/run',
  '--tmpfs=/tmp:exec,dev,suid',
  '--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw',
  '--volume=/var/lib/docker',
  '--cgroupns=host',
  '--env=container=docker',
];

const BOOT_ID_UNIT = fileURLToPath(new URL('own-boot-id.service', import.meta.url));

const SYSTEMD_ARGUMENTS = [
  `systemd.wants=${basename(BOOT_ID_UNIT)}`,
  // Engines from 26 on cannot set /proc/sys here, and refuse every start unless told that it does not matter. systemd
  // gives services nothing of its own environment.
  'systemd.setenv=DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1',
];

/** What statfs(2) says of a hierarchy of cgroups of version 2. */
const CGROUP2_SUPER_MAGIC = 0x63677270;

/** systemd 257 wants to be asked for cgroups of version 1, where this computer has those. */
const CGROUP_1_ARGUMENTS = ['systemd.unified_cgroup_hierarchy=0', 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1'];

/** Makes a machine and boots it. */
export async function bootMachine(
  engine: PrivateEngine,
  name: string,
  options: MachineOptions = {},
): Promise<Machine> {
  const suite = options.suite ?? 'bookworm';
  const docker = async (args: string[], more?: { timeoutMs?: number; input?: string }): Promise<string> => {
    const result = await engine.docker(args, { timeoutMs: COMMAND_LIMIT_MS, ...more });
    if (result.code !== 0) throw new Error(`docker ${args.join(' ')}: ${result.stderr.trim()}`);
    return result.stdout;
  };
  const image = options.image ?? (await rootImage(engine, suite));
  const cgroups = await statfs('/sys/fs/cgroup');
  await engine.docker(['rm', '-f', '-v', name]);
  await docker([
    'create',
    '--name',
    name,
    '--hostname',
    name,
    ...BOOT_ARGUMENTS,
    ...(options.arguments ?? []),
    image,
    '/lib/systemd/systemd',
    ...SYSTEMD_ARGUMENTS,
    ...(suite === 'trixie' && cgroups.type !== CGROUP2_SUPER_MAGIC ? CGROUP_1_ARGUMENTS : []),
  ]);

  const run: Machine['run'] = (line, more = {}) =>
    engine.docker(['exec', '-i', name, 'bash', '-c', line], { timeoutMs: COMMAND_LIMIT_MS, ...more });
  const must: Machine['must'] = async (line, more) => {
    const result = await run(line, more);
    if (result.code !== 0) {
      throw new Error(`${name}: ${line}: code ${result.code}\n${result.stdout}${result.stderr}`);
    }
    return result.stdout.trimEnd();
  };
  const waitUntil: Machine['waitUntil'] = async (line, what, limitMs) => {
    const until = performance.now() + limitMs;
    for (;;) {
      const result = await run(line);
      if (result.code === 0) return result.stdout.trimEnd();
      if (performance.now() > until) {
        throw new Error(`${name}: not within ${limitMs / 1000} s: ${what}\n${result.stdout}${result.stderr}`);
      }
      await sleep(LOOK_INTERVAL_MS);
    }
  };
  const booted = async () => {
    // `degraded` too: what has failed is told by the tests that look for it
    const started = 'systemctl is-system-running | grep -Eq "^(running|degraded)$"';
    await waitUntil(started, 'the system has started', BOOT_LIMIT_MS);
  };
  const status = async (): Promise<Status | null> => {
    const answer = await run('curl -sf -m 5 http://127.0.0.1:9000/status', { timeoutMs: 15_000 });
    return answer.code === 0 ? (JSON.parse(answer.stdout) as Status) : null;
  };

  const machine: Machine = {
    name,
    suite,
    run,
    must,
    waitUntil,
    status,
    write: async (path, content, mode = '0644') => {
      await must(`install -D -m ${mode} /dev/stdin '${path}'`, { input: content });
    },
    copyIn: async (from, to) => {
      await docker(['cp', from, `${name}:${to}`]);
    },
    reboot: async () => {
      await docker(['stop', '-t', String(SHUTDOWN_SECONDS), name]);
      await machine.powerOn();
    },
    cutPower: async () => {
      await docker(['kill', name]);
    },
    powerOn: async () => {
      await docker(['start', name]);
      await booted();
    },
    setNetwork: async (on) => {
      await docker(['network', on ? 'connect' : 'disconnect', 'bridge', name]);
    },
    console: async () => plain(await docker(['logs', name])),
    login: async () => {
      // A login throws away what was typed before it.
      const seen = await must(
        `while sleep 0.2; do echo exit; done | script -qec 'exec login -f root' /dev/null`,
      );
      return plain(seen);
    },
    waitFor: async (fits, what, limitMs) => {
      const until = performance.now() + limitMs;
      let seen: Status | null = null;
      while (performance.now() < until) {
        seen = (await status()) ?? seen;
        if (seen !== null && fits(seen)) return seen;
        await sleep(LOOK_INTERVAL_MS);
      }
      const journal = await run(`journalctl -u ai-sandbox --no-pager -n ${LINES_SHOWN}`);
      throw new Error(
        `${name}: not within ${limitMs / 1000} s: ${what}\n${JSON.stringify(seen, null, 1)}\n${journal.stdout}`,
      );
    },
    saveAs: async (tag) => {
      await docker(['commit', '--change', 'CMD ["/lib/systemd/systemd"]', name, tag]);
    },
    remove: async () => {
      await engine.docker(['rm', '-f', '-v', name]);
    },
  };

  await docker(['cp', BOOT_ID_UNIT, `${name}:/etc/systemd/system/`]);
  if (options.network === false) await machine.setNetwork(false);
  await machine.powerOn();
  return machine;
}

/** Terminal output as a person reads it: no colours, no carriage returns. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}
