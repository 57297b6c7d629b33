import type { ServiceSpec } from '../compose/service-spec.ts';
import type { DriverOutlook } from '../deployment/installer.ts';
import type { Clock } from '../lib/clock.ts';

/** Between two questions to a GPU whose driver is on its way: a service starts the moment it answers. */
const QUESTION_INTERVAL_MS = 1_000;

/** A pause while nothing is awaited; it is ended by the news that something is. */
const REST_MS = 3_600_000;

/** Words of `waiting_for` that come from outside of the services. */
type Wait = { waitingFor: 'model' | 'gpu_driver' };

/**
 * What `api` waits for: its model, then the driver of the GPU, where it needs one and the installer has said that it
 * brings one. A GPU that does not answer though nobody brings a driver is no reason to wait: the start fails and names it.
 */
export function apiGate(facts: {
  modelComplete: boolean;
  needsGpu: boolean;
  gpuAnswers: boolean;
  driver: DriverOutlook;
}): Wait | null {
  if (!facts.modelComplete) return { waitingFor: 'model' };
  const awaited = facts.needsGpu && facts.driver !== 'not_awaited' && !facts.gpuAnswers;
  return awaited ? { waitingFor: 'gpu_driver' } : null;
}

/** Whether a service asks for a GPU of NVIDIA, in any of the ways a compose file has. */
export function needsGpu(service: Pick<ServiceSpec, 'deviceRequests' | 'runtime'>): boolean {
  const asks = service.deviceRequests.some(
    ({ driver, capabilities, deviceIds }) =>
      driver === 'nvidia' ||
      capabilities.some((capability) => capability === 'gpu' || capability === 'nvidia') ||
      deviceIds.some((id) => id.startsWith('nvidia.com/')),
  );
  return asks || service.runtime === 'nvidia';
}

/** Asks the GPU while its driver is awaited, and not otherwise. */
export interface GpuGate {
  /** True once a GPU has answered; it is not asked again. */
  answers(): boolean;
  /** The driver is awaited, or is not any more. */
  setAwaited(awaited: boolean): void;
  /** Works until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Makes the gate; `ask` says whether a GPU answers now and never rejects. */
export function createGpuGate(parts: { ask(): Promise<boolean>; clock: Clock; onAnswer(): void }): GpuGate {
  let answered = false;
  let awaited = false;
  let wake = new AbortController();
  const changed = () => new Error('what is awaited has changed');

  return {
    answers: () => answered,
    setAwaited(now) {
      if (now === awaited) return;
      awaited = now;
      wake.abort(changed());
    },
    async run(signal) {
      while (!signal.aborted && !answered) {
        if (awaited && (await parts.ask())) {
          answered = true;
          parts.onAnswer();
          return;
        }
        wake = new AbortController();
        const pauseMs = awaited ? QUESTION_INTERVAL_MS : REST_MS;
        await parts.clock.sleep(pauseMs, AbortSignal.any([signal, wake.signal])).catch(() => undefined);
      }
    },
  };
}
