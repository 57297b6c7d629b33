import { describe, expect, it } from 'vitest';
import { installerEnd, startInstaller } from './installer.ts';
import { untilReady } from './looks.ts';
import type { Machine } from './machine.ts';
import { instanceStage } from './stage.ts';

const CASE_LIMIT_MS = 900_000;
const INSTALL_LIMIT_MS = 600_000;
const NAMED_LIMIT_MS = 120_000;
/** Longer than the script takes until it wants the packages. */
const BUSY_SECONDS = 20;
const WAITS = 'waiting for another program to be done with the packages of this server: ';

const stage = instanceStage();

/** A package whose configuration takes a while, as those of a fresh server's own updates do. */
async function makePackage(machine: Machine, name: string, seconds: number): Promise<string> {
  const folder = `/root/${name}`;
  const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: test <test@example.org>\nDescription: stand-in\n`;
  await machine.write(`${folder}/DEBIAN/control`, control);
  await machine.write(`${folder}/DEBIAN/postinst`, `#!/bin/sh\nsleep ${seconds}\n`, '0755');
  await machine.must(`dpkg-deb -Znone -b ${folder} ${folder}.deb`);
  return `${folder}.deb`;
}

describe('a server in the middle of something else', () => {
  it(
    'whose own updates are at work on the packages: the script waits, says for whom, and goes on',
    async () => {
      const machine = await stage.machine('busy');
      const slow = await makePackage(machine, 'slow-update', BUSY_SECONDS);
      await machine.must(`systemd-run -q --unit=updates apt-get install -y ${slow}`);
      await machine.waitUntil('pgrep -f slow-update.postinst', 'the updates are at work', NAMED_LIMIT_MS);
      await startInstaller(stage, machine);
      const said = `grep -q '${WAITS.slice(0, -2)}' /etc/motd`;
      await machine.waitUntil(said, 'the login message says what is waited for', NAMED_LIMIT_MS);
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
      expect(await machine.must('cat /var/log/ai-sandbox/deployment.log')).toContain(`${WAITS}apt-get`);
      await untilReady(machine);
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );

  it(
    'whose last installation was cut off, with an empty daemon.json and no console: everything is finished',
    async () => {
      const machine = await stage.machine('half-done');
      const half = await makePackage(machine, 'half-done', 0);
      await machine.must(`dpkg --unpack ${half}; mkdir -p /etc/docker; : >/etc/docker/daemon.json`);
      expect(await machine.must('dpkg --audit')).toContain('half-done');
      await machine.must('umount -l /dev/console; rm -f /dev/console /dev/ttyS0');
      await startInstaller(stage, machine);
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
      expect(await machine.must('dpkg --audit')).toBe('');
      expect(await machine.must('cat /etc/docker/daemon.json')).toContain('max-concurrent-downloads');
      expect(await machine.must('cat /var/log/stackscript.log')).toContain('installer: finished after');
      await untilReady(machine);
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );
});
