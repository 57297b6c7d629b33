import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bootSeconds, readBootId } from '../../src/host/boot-id.ts';
import type { Status } from '../../src/status/schema.ts';
import { startMetadata } from '../stand-ins/metadata.ts';
import { daemonStage, READY_LIMIT_MS } from '../support/daemon-stage.ts';
import { freePort } from '../support/ports.ts';

const TEST_LIMIT_MS = READY_LIMIT_MS + 60_000;
const GPU_TEMPLATE = fileURLToPath(new URL('../../compose/docker-compose.yml', import.meta.url));

const stage = daemonStage('test-daemon');

/** Tells a step as the installer does; this process plays it. */
async function tell(folder: string, step: string, state: string, detail = ''): Promise<void> {
  await mkdir(join(folder, 'state'), { recursive: true });
  const line = {
    step,
    state,
    at: `${new Date().toISOString().slice(0, 19)}Z`,
    boot_id: await readBootId(),
    uptime_seconds: bootSeconds(),
    pid: process.pid,
    detail,
  };
  await appendFile(join(folder, 'state/installer-steps.jsonl'), `${JSON.stringify(line)}\n`);
}

const phase = (status: Status, name: string) =>
  status.deployment.phases.find((each) => each.name === name)?.state;

describe('a machine whose cloud describes it', () => {
  it('is named in /status and reached at its public address, also when the network comes late; the console tells the end', {
    timeout: TEST_LIMIT_MS,
  }, async () => {
    const port = await freePort();
    await using daemon = await stage.start({
      environment: { AI_SANDBOX_METADATA_URL: `http://127.0.0.1:${port}`, AI_SANDBOX_CONSOLE: '/dev/null' },
      prepare: (folder) => writeFile(join(folder, 'console'), ''),
    });
    const early = await daemon.status();
    expect([early.deployment.instance_type, early.deployment.region]).toEqual([null, null]);
    expect(early.deployment.label).not.toBeNull();
    const metadata = await startMetadata(port);
    try {
      const { deployment } = await daemon.waitFor(
        (status) => status.deployment.instance_type !== null,
        'the machine is known',
        READY_LIMIT_MS,
      );
      expect(deployment).toMatchObject({
        instance_type: 'g2-gpu-rtx4000a1-s',
        region: 'us-ord',
        label: 'my-sandbox',
      });
      expect((await daemon.cli(['status'])).stdout).toContain('my-sandbox g2-gpu-rtx4000a1-s us-ord');

      metadata.expireTokens();
      await daemon.restart({ AI_SANDBOX_CONSOLE: join(daemon.folder, 'console') });
      await daemon.waitFor(
        ({ deployment: { deployment_status, instance_type } }) =>
          deployment_status === 'completed' && instance_type !== null,
        'the deployment is completed and the machine known again',
        READY_LIMIT_MS,
      );
      await expect.poll(() => daemon.motd()).toContain('Machine      my-sandbox, g2-gpu-rtx4000a1-s, us-ord');
      expect(await daemon.motd()).toContain('root@198.51.100.17');
      expect(await readFile(join(daemon.folder, 'console'), 'utf8')).toMatch(
        /ai-sandbox: deployment: completed in .* \(target of 5 min met\)/,
      );
    } finally {
      await metadata.close();
    }
  });
});

describe('a GPU whose driver the installer brings', () => {
  it('is waited for by name, while everything else goes on, and the start is made when the step is done', {
    timeout: TEST_LIMIT_MS,
  }, async () => {
    await using daemon = await stage.start({
      composeFile: GPU_TEMPLATE,
      prepare: async (folder) => {
        await tell(folder, 'installer', 'started', '/root/StackScript');
        await tell(folder, 'docker', 'skipped');
        await tell(folder, 'gpu_driver', 'planned');
        await tell(folder, 'gpu_driver', 'started');
      },
    });
    const waiting = await daemon.waitFor(
      ({ services, model }) =>
        services['api']?.waiting_for === 'gpu_driver' &&
        services['ui']?.ready === true &&
        model.download_status === 'completed',
      'api waits for the driver alone',
      READY_LIMIT_MS,
    );
    expect(waiting.progress.phase).toBe('waiting for the GPU driver');
    expect(waiting.deployment.deployment_status).toBe('in_progress');
    expect([phase(waiting, 'docker'), phase(waiting, 'gpu_driver')]).toEqual(['done', 'running']);
    expect([phase(waiting, 'image_api'), phase(waiting, 'model_download')]).toEqual(['done', 'done']);
    expect(await daemon.motd()).toContain('waiting for the GPU driver');

    await tell(daemon.folder, 'gpu_driver', 'finished');
    // There is no GPU here: that the engine says so shows that the start was made.
    const tried = await daemon.waitFor(
      ({ services }) => services['api']?.problem?.code === 'gpu_missing',
      'the start is made',
      READY_LIMIT_MS,
    );
    expect(phase(tried, 'gpu_driver')).toBe('done');
  });

  it('that cannot be installed fails the deployment with the words of the installer, and api is not started', {
    timeout: TEST_LIMIT_MS,
  }, async () => {
    await using daemon = await stage.start({
      composeFile: GPU_TEMPLATE,
      prepare: async (folder) => {
        await tell(folder, 'installer', 'started', '/root/StackScript');
        await tell(folder, 'gpu_driver', 'failed', 'apt-get: no package nvidia-driver-580-open');
      },
    });
    const failed = await daemon.waitFor(
      ({ deployment }) => deployment.deployment_status === 'failed',
      'the deployment has failed',
      READY_LIMIT_MS,
    );
    expect(failed.deployment.problem).toMatchObject({
      code: 'installer_step_failed',
      detail: 'gpu_driver: apt-get: no package nvidia-driver-580-open',
      remedy: expect.stringContaining('bash /root/StackScript'),
    });
    expect(failed.services['api']?.container_id).toBeNull();
    expect(await daemon.motd()).toContain('ERROR: A step of the installation failed');

    await tell(daemon.folder, 'installer', 'started', '/root/StackScript');
    await tell(daemon.folder, 'gpu_driver', 'started');
    await daemon.waitFor(
      ({ deployment }) => deployment.deployment_status === 'in_progress',
      'a second run repairs it',
      READY_LIMIT_MS,
    );
  });
});

it('a daemon that starts again does not say that running services wait for Docker', {
  timeout: TEST_LIMIT_MS,
}, async () => {
  await using daemon = await stage.startReady();
  const before = (await daemon.logFile('deployment.log')).length;
  await daemon.restart();
  await daemon.waitFor(
    ({ services }) => services['api']?.ready === true,
    'api is seen again',
    READY_LIMIT_MS,
  );
  const news = (await daemon.logFile('deployment.log')).slice(before);
  expect(news).toContain('started');
  expect(news).not.toContain('waiting for docker');
});
