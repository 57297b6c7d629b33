import { beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/status/schema.ts';
import { tinyModelFiles } from '../stand-ins/tiny-model.ts';
import { safetensors } from '../support/model-files.ts';
import { suites } from './extent.ts';
import { installGpuStandIn } from './gpu-stand-in.ts';
import { installerEnd, startInstaller } from './installer.ts';
import { untilReady } from './looks.ts';
import type { Machine } from './machine.ts';
import { instanceStage } from './stage.ts';

const PREPARE_LIMIT_MS = 1_200_000;
const INSTALL_LIMIT_MS = 600_000;
/** Each of the three takes about as long as the others: their sum is three times the longest. */
const DRIVER_SECONDS = 20;
const REGISTRY_BYTES_PER_SECOND = 3_000_000;
const HUB_BYTES_PER_SECOND = 1_000_000;
const WEIGHTS_BYTES = 20_000_000;
/** Looks at GPU and images, the start of a process: what lies between two phases, on a busy machine. */
const BETWEEN_SECONDS = 12;
/** What the longer of pull and download may be exceeded by; moments are told in whole seconds, each end of a time in one. */
const WITHIN_TENTH = 1.1;
const SECONDS_ROUNDED = 2;

/** GPUs are looked at twice a minute. */
const GPU_LIMIT_MS = 60_000;

const { 'model.safetensors': _weights, ...small } = tinyModelFiles();
const files = { ...small, 'model.safetensors': safetensors('w', WEIGHTS_BYTES) };
const stage = instanceStage({
  files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, { bytes }])),
});

describe.each(suites)('a GPU server with Debian %s whose driver, images and model take long', (suite) => {
  let machine: Machine;
  let status: Status;
  const seen: Status[] = [];

  beforeAll(async () => {
    machine = await stage.machine('timeline', { suite });
    await installGpuStandIn(machine, DRIVER_SECONDS);
    stage.registryGate.setSpeed(REGISTRY_BYTES_PER_SECOND);
    stage.hubGate.setSpeed(HUB_BYTES_PER_SECOND);
    await startInstaller(stage, machine);
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const now = await machine.status();
        if (now !== null) seen.push(now);
      }
    })();
    try {
      expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
      status = await untilReady(machine);
    } finally {
      watching = false;
      await watch;
    }
    process.stderr.write(timeline(status));
  }, PREPARE_LIMIT_MS + INSTALL_LIMIT_MS);

  it('from the first download to ready it takes the longest of driver, images and model plus the load, not their sum', () => {
    const phases = ['gpu_driver', 'image_api', 'model_download'].map((name) => phase(status, name));
    const load = phase(status, 'load_model');
    const begin = Math.min(...phases.map(({ start }) => start));
    const longest = Math.max(...phases.map(({ end }) => end)) - begin;
    const sum = phases.reduce((total, { start, end }) => total + end - start, 0);
    const taken = load.end - begin;
    expect(taken).toBeLessThanOrEqual(longest + (load.end - load.start) + BETWEEN_SECONDS);
    expect(taken).toBeLessThan(sum);
  });

  it('images and model come over their own lines at the same time: together they take as long as the longer of the two', () => {
    const pulls = ['image_api', 'image_ui'].map((name) => phase(status, name));
    const download = phase(status, 'model_download');
    const pull = Math.max(...pulls.map(({ end }) => end)) - Math.min(...pulls.map(({ start }) => start));
    const all = [...pulls, download];
    const together = Math.max(...all.map(({ end }) => end)) - Math.min(...all.map(({ start }) => start));
    const longer = Math.max(pull, download.end - download.start);
    process.stderr.write(`images ${pull} s, model ${download.end - download.start} s, both ${together} s\n`);
    expect(together).toBeGreaterThanOrEqual(longer);
    expect(together).toBeLessThanOrEqual(longer * WITHIN_TENTH + SECONDS_ROUNDED);
  });

  it('while the driver is installed the daemon says that it waits for it, and downloads', () => {
    const waiting = seen.filter(({ services }) => services['api']?.waiting_for === 'gpu_driver');
    const downloading = seen.filter(({ deployment }) => {
      const running = deployment.phases.filter(({ state }) => state === 'running').map(({ name }) => name);
      return running.includes('gpu_driver') && running.includes('model_download');
    });
    expect(waiting.length + downloading.length).toBeGreaterThan(0);
    expect(downloading.length).toBeGreaterThan(0);
  });

  it(
    'the engine that was there knows the toolkit, and the GPU is in /status',
    async () => {
      const { host } = await machine.waitFor(
        (now) => (now.host.gpus ?? []).length > 0,
        'the GPU is seen',
        GPU_LIMIT_MS,
      );
      expect(host.gpus).toHaveLength(1);
      const container = 'docker inspect -f "{{json .HostConfig.DeviceRequests}}" ai-sandbox-api';
      expect(await machine.must(container)).toContain('gpu');
    },
    GPU_LIMIT_MS + 30_000,
  );
});

function phase(status: Status, name: string): { start: number; end: number } {
  const found = status.deployment.phases.find((each) => each.name === name);
  if (found?.started_at == null || found.finished_at == null) throw new Error(`${name} has not ended`);
  return { start: Date.parse(found.started_at) / 1000, end: Date.parse(found.finished_at) / 1000 };
}

/** The phases as bars, one column a second from the beginning of the deployment. */
function timeline(status: Status): string {
  const began = Date.parse(status.deployment.deployment_timestamp ?? '') / 1000;
  const lines = status.deployment.phases.map(({ name, started_at, seconds }) => {
    const start = started_at === null ? 0 : Math.max(0, Date.parse(started_at) / 1000 - began);
    return `${name.padEnd(18)} ${String(seconds ?? '-').padStart(6)} s |${' '.repeat(start)}${'#'.repeat(Math.max(1, Math.round(seconds ?? 0)))}\n`;
  });
  return lines.join('');
}
