import { describe, expect, test } from 'vitest';
import { diagnose } from '../../../src/diagnosis/diagnose.ts';
import type { HostFacts } from '../../../src/diagnosis/types.ts';

const FAULT = [
  '(EngineCore pid=99) ERROR 11-28 04:00:00 [core.py:1509] EngineCore encountered a fatal error.',
  '(EngineCore pid=99) ERROR 11-28 04:00:00 [core.py:1509] torch.AcceleratorError: CUDA error: unspecified launch failure',
];
const GATED = ['OSError: You are trying to access a gated repo.'];
const NO_MEMORY = [
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 19.50 GiB of which 1.12 GiB is free.',
];

const xid = (number: number) => ({ xid: number, pciBusId: '0000:01:00', message: `NVRM: Xid ${number}` });
const found = (log: readonly string[], host?: Partial<HostFacts>, exitCode = 1) =>
  diagnose({
    log,
    exitCode,
    oomKilled: false,
    engineError: null,
    ...(host === undefined ? {} : { host: { xids: [], gpuUsers: null, ...host } }),
  });

describe('an XID since the start of the run', () => {
  test.each<[number, string]>([
    [79, 'gpu_lost'],
    [48, 'gpu_hardware_error'],
    [63, 'gpu_needs_reset'],
    [64, 'gpu_hardware_error'],
    [95, 'gpu_needs_reset'],
  ])('%i is the cause of a CUDA error: %s', (number, code) => {
    expect(found(FAULT)?.code).toBe('gpu_fault');
    const diagnosis = found(FAULT, { xids: [xid(13), xid(number), xid(45)] });
    expect(diagnosis).toMatchObject({ code, line: `NVRM: Xid ${number}` });
    expect(diagnosis?.detail).toMatch(new RegExp(`^XID ${number} of the GPU at 0000:01:00: .*CUDA error`));
  });

  test('of a program stands beside its own words, and alone where it has none', () => {
    const named = found(FAULT, { xids: [xid(31), xid(45)] });
    expect(named).toMatchObject({ code: 'gpu_fault', signature: found(FAULT)?.signature });
    expect(named?.detail).toMatch(/CUDA error.* \(XID 31 of the GPU at 0000:01:00: memory page fault/);
    expect(found([], { xids: [xid(94)] }, 139)).toMatchObject({ code: 'gpu_fault' });
  });

  test('that only follows from others, or reports normal work, is no cause', () => {
    for (const number of [43, 45, 66, 106]) {
      expect(found(FAULT, { xids: [xid(number)] })).toEqual(found(FAULT));
    }
  });

  test('says nothing of a failure that has nothing to do with the GPU', () => {
    expect(found(GATED, { xids: [xid(79)] })).toEqual(found(GATED));
  });
});

describe('others on the GPU', () => {
  const user = { pid: 4242, name: '/usr/bin/python3', memoryBytes: 12 * 1024 ** 3 };

  test('are named where its memory is short', () => {
    const diagnosis = found(NO_MEMORY, { gpuUsers: [user] });
    expect(diagnosis?.code).toBe('gpu_out_of_memory');
    expect(diagnosis?.detail).toMatch(
      /2\.00 GiB .*; others use the GPU: \/usr\/bin\/python3 \(process 4242\) with 1\d/,
    );
    expect(diagnosis?.remedy).toContain('process 4242');
  });

  test('are not there, not known, or not the matter', () => {
    expect(found(NO_MEMORY, { gpuUsers: [] })).toEqual(found(NO_MEMORY));
    expect(found(NO_MEMORY, { gpuUsers: null })).toEqual(found(NO_MEMORY));
    expect(found(GATED, { gpuUsers: [user] })).toEqual(found(GATED));
  });
});
