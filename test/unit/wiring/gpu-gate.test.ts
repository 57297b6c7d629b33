import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import { apiGate, createGpuGate, needsGpu } from '../../../src/wiring/gpu-gate.ts';
import { createManualClock } from '../../support/manual-clock.ts';

describe('the gate of the model service', () => {
  const facts = { modelComplete: true, needsGpu: true, gpuAnswers: false, driver: 'coming' } as const;
  test.each([
    ['the model is on its way', { ...facts, modelComplete: false }, 'model'],
    ['the driver is on its way', facts, 'gpu_driver'],
    ['the driver could not be installed', { ...facts, driver: 'failed' as const }, 'gpu_driver'],
    ['the GPU answers, whatever the installer says', { ...facts, gpuAnswers: true }, null],
    [
      'nobody brings a driver: the start itself says what is wrong',
      { ...facts, driver: 'not_awaited' as const },
      null,
    ],
    ['the file asks for no GPU', { ...facts, needsGpu: false }, null],
  ])('%s', (_what, given, expected) => {
    expect(apiGate(given)?.waitingFor ?? null).toBe(expected);
  });
});

describe('needsGpu', () => {
  const request = { driver: '', count: -1, deviceIds: [], capabilities: [], options: {} };
  const none: Pick<ServiceSpec, 'deviceRequests' | 'runtime'> = { deviceRequests: [], runtime: null };
  test.each<[string, Pick<ServiceSpec, 'deviceRequests' | 'runtime'>, boolean]>([
    ['nothing', none, false],
    ['a driver', { ...none, deviceRequests: [{ ...request, driver: 'nvidia' }] }, true],
    ['gpus: all', { ...none, deviceRequests: [{ ...request, capabilities: ['gpu'] }] }, true],
    ['a CDI device', { ...none, deviceRequests: [{ ...request, deviceIds: ['nvidia.com/gpu=0'] }] }, true],
    ['a device of another kind', { ...none, deviceRequests: [{ ...request, driver: 'tpu' }] }, false],
    ['a runtime', { ...none, runtime: 'nvidia' }, true],
  ])('of a service that asks for %s', (_what, spec, expected) => {
    expect(needsGpu(spec)).toBe(expected);
  });
});

describe('the questions to the GPU', () => {
  test('are asked every second while the driver is awaited, until it answers', async () => {
    const clock = createManualClock();
    const askedAtMs: number[] = [];
    let answers = false;
    let told = 0;
    const gate = createGpuGate({
      clock,
      ask: async () => {
        askedAtMs.push(clock.monotonicMs());
        return answers;
      },
      onAnswer: () => {
        told += 1;
      },
    });
    const ending = new AbortController();
    const ended = gate.run(ending.signal);
    await clock.advance(10_000);
    expect(askedAtMs).toEqual([]);
    gate.setAwaited(true);
    await clock.advance(0);
    await clock.advance(2_500);
    expect(askedAtMs).toEqual([10_000, 11_000, 12_000]);
    gate.setAwaited(false);
    await clock.advance(0);
    await clock.advance(10_000);
    gate.setAwaited(true);
    answers = true;
    await clock.advance(0);
    expect([gate.answers(), told, askedAtMs.length]).toEqual([true, 1, 4]);
    await ended;
    ending.abort();
  });
});
