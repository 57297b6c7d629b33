import { beforeAll, describe, expect, it } from 'vitest';
import { installerEnd, installerSteps, startInstaller } from './installer.ts';
import type { Machine } from './machine.ts';
import { instanceStage } from './stage.ts';

const PREPARE_LIMIT_MS = 1_200_000;
/** The archive's packages come through a network that nobody controls. */
const INSTALL_LIMIT_MS = 600_000;
const READY_LIMIT_MS = 120_000;
const TOKEN = 'hf_abcdefghijklmnopqrstuvwxyz012345';
/** Every character that a file or a shell may take for its own. */
const PASSWORD = `p'a"s\\s $HOME #x`;

const stage = instanceStage();
let machine: Machine;

describe('a fresh server on which the StackScript runs', () => {
  beforeAll(async () => {
    machine = await stage.machine('fresh', { bare: true });
  }, PREPARE_LIMIT_MS);

  it(
    'is installed from start to end',
    async () => {
      await machine.must('mkdir -p /root/.ssh; echo "ssh-ed25519 AAAA me" >/root/.ssh/authorized_keys');
      await machine.must('echo "Other people wrote this." >/etc/motd');
      await startInstaller(stage, machine, {
        HF_TOKEN_PASSWORD: TOKEN,
        USER_NAME: 'anna',
        WEBUI_ADMIN_EMAIL: 'anna@example.org',
        WEBUI_ADMIN_PASSWORD: PASSWORD,
      });
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
    },
    INSTALL_LIMIT_MS + 60_000,
  );
});
