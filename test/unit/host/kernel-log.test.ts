import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createKernelLog, parseKernelLine } from '../../../src/host/kernel-log.ts';
import { XID_TABLE, xidRow } from '../../../src/host/xid.ts';
import { PROBLEM_TABLE } from '../../../src/status/problem-table.ts';

const ID = 'ab12'.repeat(16);

describe('lines of the kernel log', () => {
  test.each([
    ['6,1234,98765432100,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.', 98765.4321],
    ['[98765.432100] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.', 98765.4321],
    ['<3>[98765.432100] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.', 98765.4321],
    ['Nov 23 10:11:12 box kernel: [98765.432100] NVRM: Xid (PCI:0000:01:00): 79, GPU gone', 98765.4321],
    ['Nov 23 10:11:12 box kernel: NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.', null],
    ['NVRM: Xid (0000:01:00): 79, GPU has fallen off the bus.', null],
  ])('%s is an XID', (line, atSeconds) => {
    expect(parseKernelLine(line)).toMatchObject({ kind: 'xid', xid: 79, pciBusId: '0000:01:00', atSeconds });
  });

  test('a kill at a limit names the container', () => {
    expect(
      parseKernelLine(
        `[ 12.345678] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=${ID},mems_allowed=0,oom_memcg=/docker/${ID},task_memcg=/docker/${ID},task=VLLM::EngineCor,pid=4242,uid=0`,
      ),
    ).toMatchObject({
      kind: 'oom_kill',
      containerId: ID,
      scope: 'limit',
      process: 'VLLM::EngineCor',
      atSeconds: 12.345678,
    });
  });

  test('a kill because the machine ran out names the container of systemd as well', () => {
    expect(
      parseKernelLine(
        `oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=docker-${ID}.scope,mems_allowed=0,global_oom,task_memcg=/system.slice/docker-${ID}.scope,task=python3,pid=7,uid=0`,
      ),
    ).toMatchObject({ containerId: ID, scope: 'machine', process: 'python3' });
  });

  test.each([
    ['Memory cgroup out of memory: Killed process 4242 (python3) total-vm:1kB, anon-rss:1kB', 'limit'],
    ['Out of memory: Killed process 4242 (python3) total-vm:1kB, anon-rss:1kB, UID:0', 'machine'],
    ['Out of memory: Kill process 4242 (python3) score 900 or sacrifice child', 'machine'],
  ])('%s is a kill in the scope %s', (line, scope) => {
    expect(parseKernelLine(line)).toMatchObject({
      kind: 'oom_kill',
      scope,
      process: 'python3',
      containerId: null,
    });
  });

  test.each([
    'nvidia-modeset: Loading NVIDIA Kernel Mode Setting Driver for UNIX platforms  580.95.05',
    'NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.95.05',
    'oom_reaper: reaped process 4242 (python3), now anon-rss:0kB',
    'docker0: port 1(veth1) entered blocking state',
    '',
  ])('%s is nothing', (line) => {
    expect(parseKernelLine(line)).toBeNull();
  });
});

describe('the kernel log', () => {
  test('is read record by record, each event once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kmsg-'));
    const path = join(folder, 'kmsg');
    const line = (seconds: number, xid: number) =>
      `4,1,${seconds}000000,-;NVRM: Xid (PCI:0000:01:00): ${xid}, x\n`;
    await writeFile(path, line(1, 13) + line(2, 31));
    const log = createKernelLog(path);
    try {
      expect((await log.poll())?.map((event) => event.kind === 'xid' && event.xid)).toEqual([13, 31]);
      expect(await log.poll()).toEqual([]);
    } finally {
      await log.close();
      await rm(folder, { recursive: true });
    }
  });

  test('that may not be read is null, and is tried again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kmsg-'));
    const log = createKernelLog(join(folder, 'kmsg'));
    try {
      expect(await log.poll()).toBeNull();
      await writeFile(join(folder, 'kmsg'), '');
      expect(await log.poll()).toEqual([]);
    } finally {
      await log.close();
      await rm(folder, { recursive: true });
    }
  });
});

describe('the table of XIDs', () => {
  test('leads to problems that exist', () => {
    for (const row of Object.values(XID_TABLE))
      if (row.code !== null) expect(PROBLEM_TABLE).toHaveProperty(row.code);
  });

  test.each([
    [79, 'gpu_lost'],
    [48, 'gpu_hardware_error'],
    [64, 'gpu_hardware_error'],
    [119, 'gpu_needs_reset'],
    [63, 'gpu_needs_reset'],
    [31, 'gpu_fault'],
    [9999, 'gpu_fault'],
  ])('XID %s is %s', (xid, code) => {
    expect(xidRow(xid).code).toBe(code);
  });
});
