import { applyOverrides } from '../compose/overrides.ts';
import { flagValue, servedModelName } from '../compose/served-model.ts';
import { specHash } from '../compose/spec-hash.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { createRequest } from '../docker/container-spec.ts';
import type { Engine } from '../docker/engine.ts';
import { bootSeconds } from '../host/boot-id.ts';
import { createKernelLog } from '../host/kernel-log.ts';
import { processorTimeMs } from '../host/processor-time.ts';
import { restartUnit } from '../host/service-manager.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import type { StateStore } from '../lib/state-store.ts';
import { createLoadMemory, LoadTimesSchema } from '../model/load-times.ts';
import { EMPTY_MEMORY, ServicesMemorySchema } from '../services/memory.ts';
import { createProbes } from '../services/probes.ts';
import { createSupervisor } from '../services/supervisor.ts';
import type { Supervisor } from '../services/types.ts';
import type { Settings } from '../settings.ts';
import type { DesiredState } from './desired-state.ts';
import { createEngineCare, type EngineCare, pageAccount } from './engine-care.ts';
import { createEngineRestart } from './engine-restart.ts';
import { createExposure, type Exposure, ExposureMemorySchema, UNEXPOSED } from './exposure.ts';
import { createGpuEvidence } from './gpu-evidence.ts';
import { needsGpu } from './gpu-gate.ts';
import type { GpuRoom } from './gpu-room.ts';
import type { ModelRoom } from './model-room.ts';
import { createOomKills } from './oom-kills.ts';
import { createOverrides, OverridesSchema } from './overrides.ts';
import { createPageQuestion } from './page-question.ts';

/** The services with what looks after them: probes, diagnosis, ways of healing, and who may reach them. */
export interface ServicesRoom {
  readonly supervisor: Supervisor;
  readonly care: EngineCare;
  readonly exposure: Exposure;
  /** The files say what should run. */
  setState(state: DesiredState): void;
  /** Works until the signal aborts, then returns. */
  run(signal: AbortSignal): Promise<void>;
  /** Ends what reads the kernel log. */
  close(): Promise<void>;
}

/**
 * Makes the room. `onChange` is told when something is to be shown that no snapshot of the supervisor carries, `onGate` when
 * `api` may have to wait for something else than before.
 */
export function createServicesRoom(parts: {
  settings: Settings;
  environment: Readonly<Record<string, string | undefined>>;
  store: StateStore;
  bootId: string | null;
  engine: Engine;
  gpu: Pick<GpuRoom, 'reader' | 'needed'>;
  model: Pick<ModelRoom, 'deleteDamaged' | 'keeper'>;
  redactor: Redactor;
  clock: Clock;
  log: Log;
  onChange(): void;
  onGate(): void;
}): ServicesRoom {
  const { settings, environment, store, engine, gpu, model, redactor, clock, log } = parts;
  const oomKills = createOomKills({ kernelLog: createKernelLog(), uptimeSeconds: bootSeconds, clock });
  const gpuEvidence = createGpuEvidence({
    reader: gpu.reader,
    kernelLog: createKernelLog(),
    uptimeSeconds: bootSeconds,
    needed: () => gpu.needed,
    clock,
  });
  const probes = createProbes({
    redactor,
    clock,
    pageModel: () => care.servedModel(),
    pageAccount: ({ service }) => pageAccount(service),
    servedModelName: ({ service }) => servedModelName(service),
    apiKey: ({ service }) =>
      flagValue(service.command ?? [], '--api-key') ?? service.environment['VLLM_API_KEY'],
    cpuTimeMs: async ({ service, containerId }) => (needsGpu(service) ? null : processorTimeMs(containerId)),
  });
  const supervisor = createSupervisor({
    engine,
    clock,
    log,
    memory: store.section('services', ServicesMemorySchema, EMPTY_MEMORY),
    specHash,
    createRequest,
    applyOverrides,
    probes,
    bootId: parts.bootId ?? 'unknown',
    settings: { silenceLimitMs: settings.silenceLimitMs },
    onRun: (service, notice) => care.onRun(service, notice),
    onLogLine: (service, line) => care.onLogLine(service, line),
    diagnose,
    hostFacts: async (service, startedAt) => (service === 'api' ? gpuEvidence.about(startedAt) : null),
    ranOutOfMemory: oomKills.explains,
    heal: (service, heal) =>
      heal.kind === 'restart_engine' ? engineRestart.request() : care.heal(service, heal),
  });
  const engineRestart = createEngineRestart({
    engine,
    log,
    socketPath: settings.dockerSocket,
    underSystemd: environment['NOTIFY_SOCKET'] !== undefined,
    restartUnit,
  });
  const exposure = createExposure({
    memory: store.section('exposure', ExposureMemorySchema, UNEXPOSED),
    ask: createPageQuestion(),
    clock,
    log,
    apply: supervisor.setDesired,
  });
  const care: EngineCare = createEngineCare({
    clock,
    log,
    overrides: createOverrides(store.section('overrides', OverridesSchema, []), log),
    loadTimes: createLoadMemory(store.section('load_times', LoadTimesSchema, {})),
    deleteDamaged: model.deleteDamaged,
    fetchModel: model.keeper.retry,
    onMove: () => supervisor.noteProgress('api'),
    onChange: parts.onChange,
    onDesired: exposure.setDesired,
    onGate: parts.onGate,
  });
  supervisor.onChange(exposure.look);

  return {
    supervisor,
    care,
    exposure,
    setState(state) {
      engineRestart.setProject(state.project);
      exposure.setDesired(care.setFiles(state));
    },
    async run(signal) {
      await Promise.all([supervisor.run(signal), exposure.run(signal), care.run(signal)]);
    },
    async close() {
      await Promise.all([oomKills.close(), gpuEvidence.close()]);
    },
  };
}
