import { expect, test } from 'vitest';
import { UNKNOWN_GPU } from '../../../src/host/gpu.ts';
import type { GpuReading } from '../../../src/host/gpu-reader.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createLoadMemory } from '../../../src/model/load-times.ts';
import { createEngineCare } from '../../../src/wiring/engine-care.ts';
import { createGpuName } from '../../../src/wiring/gpu-name.ts';
import { createOverrides } from '../../../src/wiring/overrides.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';
import { project, service } from '../services/support.ts';

const API = service('api', { command: ['org/name', '--max-model-len', '32768'] });
const FILES = { project: project([API]), modelId: 'org/name', modelDirectory: '/opt/models' };
const HEAL = { kind: 'override', flag: '--max-model-len', value: '12848', cause: 'it did not fit' } as const;
const NO_DRIVER: GpuReading = { gpus: null, failure: null };
const withGpu = (name: string): GpuReading => ({ gpus: [{ ...UNKNOWN_GPU, name }], failure: null });

/** A part of the state file in memory. */
function section<T>(initial: T) {
  let text = JSON.stringify(initial);
  return {
    get: (): T => JSON.parse(text),
    set: (value: T) => {
      text = JSON.stringify(value);
      return Promise.resolve();
    },
  };
}

test('a driver that comes after the compose file was read lands in the overrides and in the load times', async () => {
  const clock = createVirtualClock();
  const overrides = section<never[]>([]);
  const times = section({});
  const care = createEngineCare({
    clock,
    log: silentLog,
    overrides: createOverrides(overrides, silentLog),
    loadTimes: createLoadMemory(times),
    deleteDamaged: () => Promise.resolve([]),
    fetchModel: () => undefined,
    onMove: () => undefined,
    onChange: () => undefined,
    onDesired: () => undefined,
    onGate: () => undefined,
  });
  let reading = NO_DRIVER;
  const gpu = createGpuName({ read: () => Promise.resolve(reading) }, care.setGpu);
  gpu.setNeeded(true);
  care.setFiles(FILES);
  await gpu.reader.read();
  expect(care.heal('api', HEAL)).toBe(true);
  care.onRun('api', { kind: 'began', startedAt: null, image: API.image, firstRun: true });
  care.onLogLine('api', { timestamp: '', stream: 'stdout', text: 'Starting to load model org/name...' });
  reading = withGpu('RTX 4000');
  await gpu.reader.read();
  await clock.advance(5_000);
  care.onRun('api', { kind: 'ready' });
  await clock.settle();
  expect(overrides.get()).toMatchObject([{ gpu: 'RTX 4000' }]);
  expect(Object.keys(times.get())).toEqual([JSON.stringify(['org/name', API.image, 'RTX 4000'])]);
  expect(care.loadSeconds()).not.toBeNull();
});

test('the name is told once, kept while the driver is silent, and is none for an engine without a GPU', async () => {
  const told: (string | null)[] = [];
  let reading = withGpu('RTX 4000');
  const gpu = createGpuName({ read: () => Promise.resolve(reading) }, (name) => told.push(name));
  await gpu.reader.read();
  expect(told).toEqual([]);
  gpu.setNeeded(true);
  await gpu.reader.read();
  reading = NO_DRIVER;
  await gpu.reader.read();
  expect(told).toEqual(['RTX 4000']);
  reading = withGpu('H200');
  await gpu.reader.read();
  gpu.setNeeded(false);
  expect(told).toEqual(['RTX 4000', 'H200', null]);
});
