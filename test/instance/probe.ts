// Tries whether this computer can boot another one in a container, which not every container can: exit status 0 when it can,
// 3 when it cannot, with the reason as the only line of stdout. Only what is known to be refused inside of other containers
// counts; anything else (no engine, no root file system, a boot that hangs) is an error.
import { startEngine } from '../support/engine-process.ts';
import { bootMachine } from './machine.ts';
import { rootImage } from './root-image.ts';

const CANNOT_BOOT = 3;

/**
 * How an engine and its runtime say that this computer may not do what a machine needs, and how systemd ends at once where
 * the hierarchy of cgroups is not its own.
 */
const REFUSALS = [
  /operation not permitted/i,
  /permission denied/i,
  /read-only file system/i,
  /cgroups?[: ].*(not found|cannot find|no such file|not supported|invalid)/i,
  /(mountpoint|controller).*not found/i,
  /Failed to (create .*control group|mount (cgroup|API))/,
  /container \S+ is not running/,
];

const engine = await startEngine('test-instance');
try {
  const image = await rootImage(engine, 'bookworm');
  try {
    const machine = await bootMachine(engine, 'probe', { image });
    await machine.must('systemctl is-active systemd-journald.service');
    await machine.remove();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!REFUSALS.some((refusal) => refusal.test(reason))) throw error;
    console.log(reason.replace(/\s+/g, ' ').slice(0, 300));
    process.exitCode = CANNOT_BOOT;
  }
} finally {
  await engine.stop();
}
