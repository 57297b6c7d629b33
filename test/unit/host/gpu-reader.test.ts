import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GPU_FIELDS } from '../../../src/host/gpu-csv.ts';
import { createGpuReader, systemGpuParts, type ToolRun } from '../../../src/host/gpu-reader.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const ended = (output: string, exitCode = 0): ToolRun => ({ exitCode, output, outcome: 'ended' });
const XML = `<nvidia_smi_log><driver_version>595.84</driver_version><cuda_version>13.2</cuda_version>
<gpu id="00000000:06:00.0"><product_name>NVIDIA L4</product_name><uuid>GPU-1</uuid>
<gpu_recovery_action>Reset</gpu_recovery_action></gpu></nvidia_smi_log>`;

/** A driver that knows these fields; what it is asked is kept. */
function driver(known: readonly string[]) {
  const asked: string[] = [];
  const values: Record<string, string> = {
    index: '0',
    uuid: 'GPU-1',
    name: 'NVIDIA L4',
    'memory.total': '23034',
  };
  return {
    asked,
    present: async () => true,
    run: async (args: readonly string[]): Promise<ToolRun> => {
      asked.push(args.join(' '));
      const fields = /--query-gpu=(\S+)/.exec(args.join(' '))?.[1]?.split(',');
      if (fields === undefined) return ended(XML);
      const unknown = fields.find((field) => !known.includes(field));
      if (unknown !== undefined) return ended(`Field "${unknown}" is not a valid field to query.\n`, 2);
      return ended(`${fields.map((field) => values[field] ?? '[N/A]').join(', ')}\n`);
    },
  };
}

describe('reading the GPUs', () => {
  test('a machine without a GPU has none, and no process is started', async () => {
    const reader = createGpuReader({
      present: async () => false,
      run: () => Promise.reject(new Error('started')),
    });
    expect(await reader.read()).toEqual({ gpus: [], failure: null });
  });

  test('what only the XML tells is added to the CSV', async () => {
    const { gpus } = await createGpuReader(driver(GPU_FIELDS)).read();
    expect(gpus).toHaveLength(1);
    expect(gpus?.[0]).toMatchObject({
      name: 'NVIDIA L4',
      memoryBytes: 23034 * 1024 ** 2,
      cudaVersion: '13.2',
      recoveryAction: 'Reset',
    });
  });

  test('fields that an older driver refuses are left out, and not asked for again', async () => {
    const old = driver(GPU_FIELDS.filter((field) => field !== 'compute_cap' && field !== 'mig.mode.current'));
    const reader = createGpuReader(old);
    expect((await reader.read()).gpus?.[0]?.name).toBe('NVIDIA L4');
    expect(old.asked).toHaveLength(4);
    await reader.read();
    expect(old.asked).toHaveLength(6);
  });

  test('a refusal that names no field of ours ends the question', async () => {
    const reader = createGpuReader({
      present: async () => true,
      run: async () => ended('Field "other" is not a valid field to query.', 2),
    });
    expect(await reader.read()).toMatchObject({ gpus: null, failure: { exitCode: 2 } });
  });

  test('words in place of GPUs are a failure, although the exit code may be 0', async () => {
    const reader = createGpuReader({
      present: async () => true,
      run: async () => ended('No devices were found\n'),
    });
    expect(await reader.read()).toEqual({ gpus: null, failure: ended('No devices were found\n') });
  });

  test('the GPUs that still answer are told beside the failure', async () => {
    const rows = `${GPU_FIELDS.map((field) => (field === 'uuid' ? 'GPU-1' : 'x')).join(', ')}\nUnable to determine the device handle for GPU1: Unknown Error\n`;
    const reader = createGpuReader({
      present: async () => true,
      run: async (args) => (args[0] === '-q' ? ended('', 255) : ended(rows, 255)),
    });
    const reading = await reader.read();
    expect(reading.gpus).toHaveLength(1);
    expect(reading.failure?.exitCode).toBe(255);
  });
});

describe('the machine', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gpu-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const pciDevice = async (slot: string, vendor: string, kind: string) => {
    const folder = join(root, 'sys/bus/pci/devices', slot);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'vendor'), `${vendor}\n`);
    await writeFile(join(folder, 'class'), `${kind}\n`);
  };
  const tool = async (script: string) => {
    const path = join(root, 'nvidia-smi');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  };

  test.each([
    ['0x10de', '0x030000', true],
    ['0x10de', '0x030200', true],
    ['0x10de', '0x040300', false],
    ['0x8086', '0x030000', false],
  ])('a PCI device of vendor %s and class %s is a GPU: %s', async (vendor, kind, present) => {
    await pciDevice('0000:00:03.0', vendor, kind);
    expect(await systemGpuParts(systemClock, root).present()).toBe(present);
  });

  test('the device node of a GPU is enough where there is no sysfs', async () => {
    expect(await systemGpuParts(systemClock, root).present()).toBe(false);
    await mkdir(join(root, 'dev'));
    await writeFile(join(root, 'dev/nvidiactl'), '');
    expect(await systemGpuParts(systemClock, root).present()).toBe(false);
    await writeFile(join(root, 'dev/nvidia0'), '');
    expect(await systemGpuParts(systemClock, root).present()).toBe(true);
  });

  test('output of both streams and the exit code come back', async () => {
    const parts = systemGpuParts(systemClock, root, await tool('echo out; echo err >&2; exit 9'));
    expect(await parts.run([])).toEqual({ exitCode: 9, output: 'out\nerr\n', outcome: 'ended' });
  });

  test('a tool that is not installed is told from one that may not be started', async () => {
    const path = join(root, 'nvidia-smi');
    expect((await systemGpuParts(systemClock, root, path).run([])).outcome).toBe('missing');
    await writeFile(path, 'no program', { mode: 0o644 });
    expect((await systemGpuParts(systemClock, root, path).run([])).outcome).toBe('not_startable');
  });

  test('a tool that hangs is killed after 5 s and gets no company while it is still there', async () => {
    const clock = createVirtualClock();
    const parts = systemGpuParts(clock, root, await tool(`echo run >> ${root}/runs; exec sleep 600`));
    const run = parts.run([]);
    await clock.advance(4999);
    expect(await Promise.race([run, Promise.resolve('still there')])).toBe('still there');
    // In the turn of the kill, before the end of the process can have been seen.
    const next = run.then(() => parts.run([]));
    await clock.advance(1);
    expect((await run).outcome).toBe('hung');
    expect((await next).outcome).toBe('hung');
  });
});
