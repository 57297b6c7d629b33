import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { everything, suites } from './extent.ts';
import { installGpuStandIn } from './gpu-stand-in.ts';
import { installerEnd, startInstaller } from './installer.ts';
import { untilReady } from './looks.ts';
import type { Machine } from './machine.ts';
import { instanceStage } from './stage.ts';

const CASE_LIMIT_MS = 900_000;
const INSTALL_LIMIT_MS = 600_000;
const NAMED_LIMIT_MS = 120_000;
/** A cable that is plugged in late: two minutes in the long run. */
const WITHOUT_NETWORK_MS = everything ? 120_000 : 20_000;

const stage = instanceStage();

/** A machine without a GPU, on which nobody has said that this is wanted: nothing is failed, and it is named everywhere. */
async function expectNoGpuIsTold(machine: Machine): Promise<void> {
  const { deployment, problems } = await machine.waitFor(
    (now) => now.problems.some(({ code }) => code === 'gpu_absent'),
    'the missing GPU is named',
    NAMED_LIMIT_MS,
  );
  expect([deployment.deployment_status, problems.length]).toEqual(['completed', 1]);
  const title = problems[0]?.title ?? '?';
  for (const text of [await machine.login(), await machine.console()])
    expect(text).toContain(`ERROR: ${title}`);
  await machine.must('curl -sf http://127.0.0.1:9000/readyz');
}

describe.each(suites)('a server with Debian %s on which something is wrong', (suite) => {
  it(
    'fields of the form that cannot be right are all named: login message, console, exit status; nothing is installed',
    async () => {
      const machine = await stage.machine('wrong-fields', { suite });
      await startInstaller(stage, machine, {
        MODEL_ID: 'not a model',
        USER_NAME: 'Root!',
        WEBUI_ADMIN_PASSWORD: 'short',
        PUBLISH_API: 'maybe',
      });
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(1);
      const named = [
        'model_id is "not a model"',
        'user_name is "Root!"',
        'webui_admin_password',
        'publish_api is "maybe"',
      ];
      for (const text of [await machine.login(), await machine.console()]) {
        for (const words of ['ERROR', ...named]) expect(text).toContain(words);
        expect(text).not.toContain('short;');
      }
      expect((await machine.run('dpkg -s ai-sandbox')).code).not.toBe(0);
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );

  it(
    'a package that is not the one the script was made for is refused and named; the right one then repairs',
    async () => {
      const machine = await stage.machine('wrong-package', { suite, processorWanted: true });
      await startInstaller(stage, machine, { DEB_SHA256: '0'.repeat(64) });
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(1);
      for (const text of [await machine.login(), await machine.console()])
        expect(text).toContain('is not the package of this script');
      await startInstaller(stage, machine);
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
      await untilReady(machine);
      expect(await machine.login()).not.toContain('ERROR');
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );

  it(
    'without a network at the first boot it waits, says so, and completes by itself when the network comes; without a GPU it completes, too, and tells that it has none',
    async () => {
      const machine = await stage.machine('late-network', { suite, bare: true, network: false });
      await startInstaller(stage, machine);
      const waiting = 'grep -q "waiting for the network" /etc/motd';
      await machine.waitUntil(waiting, 'the login message says what is waited for', NAMED_LIMIT_MS);
      await sleep(WITHOUT_NETWORK_MS);
      await machine.setNetwork(true);
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
      await untilReady(machine);
      expect(await machine.login()).toContain('Deployment Complete');
      await expectNoGpuIsTold(machine);
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );

  it(
    'a model that does not exist is named in the login message, on the console and in /status',
    async () => {
      const machine = await stage.machine('no-model', { suite });
      await startInstaller(stage, machine, { MODEL_ID: 'acme/missing' });
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
      const status = await machine.waitFor(
        ({ deployment }) => deployment.deployment_status === 'failed',
        'the deployment has failed',
        NAMED_LIMIT_MS,
      );
      expect(status.problems.map(({ code }) => code)).toContain('model_not_found');
      expect(await machine.login()).toMatch(/ERROR[\s\S]*acme\/missing/);
      expect(await machine.console()).toContain('acme/missing');
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );

  it(
    'a hub that cannot be reached is named; when it answers everything completes by itself',
    async () => {
      const machine = await stage.machine('no-hub', { suite });
      await stage.hubGate.setOpen(false);
      try {
        await startInstaller(stage, machine);
        expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
        const { problems } = await machine.waitFor(
          (now) => now.problems.some(({ code }) => code === 'hub_unreachable'),
          'the problem is named',
          NAMED_LIMIT_MS,
        );
        const title = problems.find(({ code }) => code === 'hub_unreachable')?.title ?? '?';
        for (const text of [await machine.login(), await machine.console()])
          expect(text).toContain(`ERROR: ${title}`);
        expect(await machine.console()).toContain('hub_unreachable');
        await machine.must('systemctl is-active ai-sandbox');
      } finally {
        await stage.hubGate.setOpen(true);
      }
      await untilReady(machine);
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );

  it(
    'a GPU driver that cannot be installed is named in the login message, on the console and in /status',
    async () => {
      const machine = await stage.machine('no-driver', { suite });
      await installGpuStandIn(machine, null);
      await startInstaller(stage, machine);
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(1);
      await machine.waitFor(
        ({ problems }) => problems.some(({ code }) => code === 'installer_step_failed'),
        'the problem is named',
        NAMED_LIMIT_MS,
      );
      for (const text of [await machine.login(), await machine.console()])
        expect(text).toMatch(/ERROR[\s\S]*gpu_driver/);
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );

  it(
    'a machine without a GPU whose compose file wants one is told so',
    async () => {
      const machine = await stage.machine('no-gpu', { suite });
      await machine.must(
        "mkdir -p /etc/systemd/system/ai-sandbox.service.d; printf '[Service]\\nEnvironment=AI_SANDBOX_TEMPLATE=gpu\\n' >/etc/systemd/system/ai-sandbox.service.d/60-gpu.conf",
      );
      await startInstaller(stage, machine);
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
      const status = await machine.waitFor(
        ({ problems }) => problems.some(({ code }) => code.startsWith('gpu_')),
        'the problem is named',
        NAMED_LIMIT_MS,
      );
      const problem = status.problems.find(({ code }) => code.startsWith('gpu_'));
      for (const text of [await machine.login(), await machine.console()])
        expect(text).toContain(problem?.title ?? '');
      await machine.remove();
    },
    CASE_LIMIT_MS,
  );
});
