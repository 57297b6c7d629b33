import { join } from 'node:path';
import type { ComposeProject } from '../compose/service-spec.ts';
import { createGpuReader, type GpuReader, systemGpuParts } from '../host/gpu-reader.ts';
import type { KernelLog } from '../host/kernel-log.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Gates } from '../services/types.ts';
import { apiGate, createGpuGate, needsGpu } from './gpu-gate.ts';
import { createGpuName } from './gpu-name.ts';
import { createGpuWatch, type GpuWatch } from './gpu-watch.ts';
import { createInstallerWatch, type InstallerWatch } from './installer-watch.ts';

/** The GPU as `api` meets it: its driver may be on its way, it answers, it fails later. */
export interface GpuRoom {
  readonly reader: GpuReader;
  readonly watch: GpuWatch;
  readonly installer: InstallerWatch;
  /** Whether the `api` of the file asks for a GPU. */
  readonly needed: boolean;
  setProject(project: ComposeProject): void;
  /** What `api` waits for, given whether its model is complete; null: nothing. */
  gate(modelComplete: boolean): Gates[string];
  /** `onRead` is told of every new reading of the GPUs. Resolves after `signal` has aborted. */
  run(signal: AbortSignal, onRead: () => void): Promise<void>;
}

/**
 * Makes the room; `onChange` is told when the gate may have changed, `onAnswer` once, when the awaited GPU answers, `onName` when
 * the name of the GPU that `api` uses has become known or is another one.
 */
export function createGpuRoom(parts: {
  stateDirectory: string;
  bootId: string | null;
  uptimeSeconds: () => number;
  kernelLog: KernelLog;
  /** Somebody has said that the processor is to be used: no GPU is no problem. */
  processorWanted: boolean;
  clock: Clock;
  log: Log;
  onChange(): void;
  onAnswer(): void;
  onName(name: string | null): void;
}): GpuRoom {
  const { bootId, clock, log, onChange } = parts;
  let needed = false;
  let hasApi = false;
  const names = createGpuName(createGpuReader(systemGpuParts(clock)), parts.onName);
  const { reader } = names;
  const installer = createInstallerWatch({
    path: join(parts.stateDirectory, 'installer-steps.jsonl'),
    bootId,
    gpuAnswers: () => gate.answers(),
    clock,
    log,
    onChange: () => {
      watch.lookSoon();
      onChange();
    },
  });
  const gate = createGpuGate({
    ask: async () => ((await reader.read()).gpus ?? []).length > 0,
    clock,
    onAnswer: () => {
      log.info('the GPU answers');
      watch.lookSoon();
      parts.onAnswer();
      onChange();
    },
  });
  const watch = createGpuWatch({
    reader,
    kernelLog: parts.kernelLog,
    uptimeSeconds: parts.uptimeSeconds,
    matters: () => needed && installer.verdict().driver === 'not_awaited',
    missed: () => hasApi && !needed && !parts.processorWanted && installer.verdict().phases.length > 0,
    clock,
    log,
  });
  return {
    reader,
    watch,
    installer,
    get needed() {
      return needed;
    },
    setProject(project) {
      const api = project.services.find(({ name }) => name === 'api');
      hasApi = api !== undefined;
      needed = api !== undefined && needsGpu(api);
      names.setNeeded(needed);
    },
    gate(modelComplete) {
      const { driver } = installer.verdict();
      gate.setAwaited(needed && driver !== 'not_awaited');
      return apiGate({ modelComplete, needsGpu: needed, gpuAnswers: gate.answers(), driver });
    },
    async run(signal, onRead) {
      await Promise.all([installer.run(signal), gate.run(signal), watch.run(signal, onRead)]);
    },
  };
}
