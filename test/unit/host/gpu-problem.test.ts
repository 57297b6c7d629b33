import { describe, expect, test } from 'vitest';
import { type GpuFacts, gpuView, UNKNOWN_GPU } from '../../../src/host/gpu.ts';
import { gpuFinding } from '../../../src/host/gpu-problem.ts';
import type { GpuReading, ToolRun } from '../../../src/host/gpu-reader.ts';
import type { XidEvent } from '../../../src/host/kernel-log.ts';

const card = (change: Partial<GpuFacts> = {}): GpuFacts => ({
  ...UNKNOWN_GPU,
  index: 0,
  name: 'NVIDIA L4',
  ...change,
});
const well: GpuReading = { gpus: [card()], failure: null };
const failed = (change: Partial<ToolRun>): GpuReading => ({
  gpus: null,
  failure: { exitCode: null, output: '', outcome: 'ended', ...change },
});
const event = (xid: number, atSeconds = 1000): XidEvent => ({
  kind: 'xid',
  atSeconds,
  xid,
  pciBusId: '0000:01:00',
  message: '',
});
const codeOf = (reading: GpuReading, xids: XidEvent[] = [], uptime = 1060) =>
  gpuFinding(reading, xids, uptime, () => null)?.code ?? null;

describe('what is wrong with the GPUs', () => {
  test('nothing, when they answer and nothing was reported', () => {
    expect(codeOf(well)).toBeNull();
    expect(codeOf({ gpus: [], failure: null })).toBeNull();
  });

  test.each([
    ['hung', 'gpu_tool_failed'],
    ['missing', 'gpu_driver_missing'],
    ['not_startable', 'gpu_tool_failed'],
    ['ended', 'gpu_tool_failed'],
  ] as const)('nvidia-smi %s is %s', (outcome, code) => {
    expect(codeOf(failed({ outcome }))).toBe(code);
  });

  test('words of nvidia-smi that are known name the cause', () => {
    const explain = () => ({ code: 'gpu_driver_mismatch', detail: 'mismatch' }) as const;
    expect(gpuFinding(failed({ output: 'x', exitCode: 18 }), [], 0, explain)?.code).toBe(
      'gpu_driver_mismatch',
    );
  });

  test('a recovery that the driver asks for is told with the XID before it', () => {
    const reading = { gpus: [card({ recoveryAction: 'Reset' })], failure: null };
    expect(gpuFinding(reading, [event(119)], 99_999, () => null)).toEqual({
      code: 'gpu_needs_reset',
      detail:
        'GPU 0 (NVIDIA L4): the driver asks for "Reset" after XID 119 of the GPU at 0000:01:00: the system processor of the GPU (GSP) does not answer',
    });
  });

  test('memory that cannot be mended is a fault of the hardware', () => {
    expect(codeOf({ gpus: [card({ rowRemapFailed: true })], failure: null })).toBe('gpu_hardware_error');
  });

  test('an XID of the hardware counts for ten minutes, one of a program never', () => {
    expect(codeOf(well, [event(119)], 1060)).toBe('gpu_needs_reset');
    expect(codeOf(well, [event(119)], 1601)).toBeNull();
    expect(codeOf(well, [event(31)], 1060)).toBeNull();
    expect(codeOf(well, [event(79), event(45)], 1060)).toBe('gpu_lost');
  });

  test('a GPU that answers no more is named by its XID, however long ago', () => {
    expect(codeOf(failed({ outcome: 'hung' }), [event(79)], 99_999)).toBe('gpu_lost');
  });

  test('/status has every key, null where nothing is known', () => {
    const view = gpuView(UNKNOWN_GPU, null);
    expect(Object.values(view).every((value) => value === null)).toBe(true);
    expect(Object.keys(view)).toContain('last_xid');
  });
});
