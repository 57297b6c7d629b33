import { expect, test } from 'vitest';
import { UNKNOWN_GPU } from '../../../src/host/gpu.ts';
import type { GpuReading } from '../../../src/host/gpu-reader.ts';
import type { KernelEvent } from '../../../src/host/kernel-log.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createGpuWatch } from '../../../src/wiring/gpu-watch.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const GPU = { ...UNKNOWN_GPU, index: 0, name: 'NVIDIA L4', pciBusId: '00000000:01:00.0' };

function stage(first: GpuReading) {
  const clock = createVirtualClock();
  const ending = new AbortController();
  const world = {
    reading: first,
    events: [] as KernelEvent[] | null,
    matters: true,
    missed: false,
    looks: 0,
    closed: false,
  };
  const watch = createGpuWatch({
    reader: {
      read: async () => {
        world.looks += 1;
        return world.reading;
      },
    },
    kernelLog: {
      poll: async () => {
        const { events } = world;
        world.events = events === null ? null : [];
        return events;
      },
      close: async () => {
        world.closed = true;
      },
    },
    uptimeSeconds: () => 1000 + clock.monotonicMs() / 1000,
    matters: () => world.matters,
    missed: () => world.missed,
    clock,
    log: silentLog,
  });
  const ended = watch.run(ending.signal, () => undefined);
  const end = async () => {
    ending.abort();
    await ended;
  };
  return { clock, world, watch, end };
}

test('nothing is known before the first look; then the GPUs are shown', async () => {
  const { clock, watch, end } = stage({ gpus: [GPU], failure: null });
  expect(watch.gpus()).toBeNull();
  await clock.settle();
  expect(watch.gpus()).toMatchObject([{ index: 0, name: 'NVIDIA L4', last_xid: null }]);
  await end();
});

test('an XID is shown at its GPU with the time of the kernel', async () => {
  const { clock, world, watch, end } = stage({ gpus: [GPU], failure: null });
  world.events = [{ kind: 'xid', atSeconds: 940, xid: 31, pciBusId: '0000:01:00', message: '' }];
  await clock.advance(30_000);
  expect(watch.gpus()?.[0]?.last_xid).toEqual({
    code: 31,
    at: '2025-12-31T23:59:00Z',
    meaning: 'memory page fault on the GPU: an illegal address was used',
  });
  expect(watch.problem()).toBeNull();
  await end();
});

test('what nvidia-smi says when it fails becomes a problem that stands since it was first seen', async () => {
  const words =
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n";
  const failure = { exitCode: 9, output: words, outcome: 'ended' } as const;
  const { clock, world, watch, end } = stage({ gpus: null, failure });
  await clock.settle();
  expect(watch.problem()).toMatchObject({ code: 'gpu_driver_not_loaded', since: '2026-01-01T00:00:00Z' });
  expect(watch.gpus()).toBeNull();
  await clock.advance(60_000);
  expect(watch.problem()?.since).toBe('2026-01-01T00:00:00Z');
  world.reading = { gpus: [GPU], failure: null };
  await clock.advance(30_000);
  expect(watch.problem()).toBeNull();
  await end();
});

test('no problem is told while nothing uses the GPU, or its driver is still being installed', async () => {
  const failure = { exitCode: null, output: '', outcome: 'missing' } as const;
  const { clock, world, watch, end } = stage({ gpus: null, failure });
  world.matters = false;
  await clock.settle();
  expect(watch.problem()).toBeNull();
  world.matters = true;
  expect(watch.problem()).toBeNull();
  await clock.advance(30_000);
  expect(watch.problem()?.code).toBe('gpu_driver_missing');
  await end();
});

test('a machine that was set up for its processor says that it has no GPU, until somebody wants it so', async () => {
  const { clock, world, watch, end } = stage({ gpus: [], failure: null });
  world.matters = false;
  await clock.settle();
  expect(watch.problem()).toBeNull();
  world.missed = true;
  watch.lookSoon();
  await clock.settle();
  expect(watch.problem()?.code).toBe('gpu_absent');
  world.missed = false;
  expect(watch.problem()).toBeNull();
  await end();
});

test('a machine with a GPU that is set up for its processor all the same misses none', async () => {
  const { clock, world, watch, end } = stage({ gpus: [GPU], failure: null });
  Object.assign(world, { matters: false, missed: true });
  await clock.advance(30_000);
  expect(watch.problem()).toBeNull();
  await end();
});

test('what was wrong before the driver came is not told afterwards, and the GPU is shown at once', async () => {
  const failure = { exitCode: null, output: '', outcome: 'missing' } as const;
  const { clock, world, watch, end } = stage({ gpus: null, failure });
  world.matters = false;
  await clock.settle();
  world.reading = { gpus: [GPU], failure: null };
  world.matters = true;
  watch.lookSoon();
  expect(watch.problem()).toBeNull();
  await clock.settle();
  expect([watch.problem(), watch.gpus()?.length, world.looks]).toEqual([null, 1, 2]);
  await end();
});

test('it looks every 30 s, without a kernel log too, and closes the log at the end', async () => {
  const { clock, world, end } = stage({ gpus: [], failure: null });
  world.events = null;
  await clock.settle();
  await clock.advance(90_000);
  expect(world.looks).toBe(4);
  await end();
  expect(world.closed).toBe(true);
});
