// Tries whether this computer can boot another one in a container, which not every container can: exit status 0 when it can,
// 3 when it cannot, with the reason as the only line of stdout. Anything else (no engine, no root file system) is an error.
import { startEngine } from '../support/engine-process.ts';
import { bootMachine } from './machine.ts';
import { rootImage } from './root-image.ts';

const CANNOT_BOOT = 3;

const engine = await startEngine('test-instance');
try {
  const image = await rootImage(engine, 'bookworm');
  try {
    const machine = await bootMachine(engine, 'probe', { image });
    await machine.must('systemctl is-active systemd-journald.service');
    await machine.remove();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(reason.replace(/\s+/g, ' ').slice(0, 300));
    process.exitCode = CANNOT_BOOT;
  }
} finally {
  await engine.stop();
}
