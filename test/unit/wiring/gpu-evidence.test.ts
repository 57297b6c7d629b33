import { expect, test } from 'vitest';
import { UNKNOWN_GPU } from '../../../src/host/gpu.ts';
import type { GpuReading } from '../../../src/host/gpu-reader.ts';
import type { KernelEvent } from '../../../src/host/kernel-log.ts';
import { createGpuEvidence } from '../../../src/wiring/gpu-evidence.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const USER = { pid: 7, name: 'python3', memoryBytes: 1 };
const xid = (number: number, atSeconds: number): KernelEvent => ({
  ...{ kind: 'xid', xid: number, atSeconds, pciBusId: '0000:01:00', message: `NVRM: Xid ${number}` },
});

function stage(needed: boolean, reading: GpuReading) {
  const clock = createVirtualClock();
  let events: KernelEvent[] = [];
  const evidence = createGpuEvidence({
    reader: { read: async () => reading },
    kernelLog: {
      poll: async () => events.splice(0),
      close: async () => undefined,
    },
    uptimeSeconds: () => 1_000,
    needed: () => needed,
    clock,
  });
  const happen = (...more: KernelEvent[]) => {
    events = more;
  };
  const secondsAgo = (seconds: number) => new Date(clock.now().getTime() - seconds * 1_000).toISOString();
  return { evidence, happen, secondsAgo };
}

test('a run is told of the XIDs since it began, and of who holds memory now', async () => {
  const { evidence, happen, secondsAgo } = stage(true, {
    gpus: [
      { ...UNKNOWN_GPU, users: [] },
      { ...UNKNOWN_GPU, users: [USER] },
    ],
    failure: null,
  });
  happen(xid(13, 100), xid(79, 950));
  const facts = await evidence.about(secondsAgo(60));
  expect(facts?.xids.map((event) => event.xid)).toEqual([79]);
  expect(facts?.gpuUsers).toEqual([USER]);
  // What was read once is not lost for the next question.
  expect((await evidence.about(secondsAgo(950)))?.xids.map((event) => event.xid)).toEqual([13, 79]);
  expect((await evidence.about(null))?.xids).toEqual([]);
});

test('what is not known is not claimed, and a service without a GPU asks nobody', async () => {
  const silent = stage(true, { gpus: null, failure: null });
  expect(await silent.evidence.about(silent.secondsAgo(1))).toEqual({ xids: [], gpuUsers: null });
  const without = stage(false, { gpus: [{ ...UNKNOWN_GPU, users: [USER] }], failure: null });
  expect(await without.evidence.about(without.secondsAgo(1))).toBeNull();
});
