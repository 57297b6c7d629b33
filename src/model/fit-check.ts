import { formatBytes } from '../lib/human.ts';
import type { Finding } from '../status/problem.ts';
import { driverFault, gpuFault } from './gpu-check.ts';
import { type FitMemory, type MemoryFit, memoryFit } from './memory-fit.ts';
import type { ModelConfig } from './model-config.ts';
import type { EngineOptions, PlanMemory, Surroundings } from './surroundings.ts';
import { loadedBytes, type WeightsFacts } from './weights-size.ts';

const GIB = 1024 ** 3;
/** Share of a card's nominal memory that programs see (19.55 of 20 GiB, 23.5 of 24 GiB). */
const VISIBLE_SHARE = 0.977;
/** A plan is advised only where the model gets this much context, or its whole own one. */
const ADVISED_CONTEXT_TOKENS = 8192;

/** A model as far as a memory must know it. */
export interface FitModel extends WeightsFacts {
  config: ModelConfig;
}

/** What is known before the first byte about model and machine together. */
export interface FitCheck {
  fit: MemoryFit;
  /** Why the engine could not load it; the download is not begun. */
  finding: Finding | null;
  /** What has to be mended as well, while the download goes on. */
  notice: Finding | null;
}

/** Compares a model with the GPUs, or with the memory of a machine whose engine runs on the CPU. */
export function checkFit(model: FitModel, surroundings: Surroundings): FitCheck {
  const { engine } = surroundings;
  const weightsBytes = loadedBytes(model, engine);
  const fit = memoryFit({ config: model.config, weightsBytes, memory: memoryOf(surroundings), engine });
  if (!engine.wantsGpu) {
    const tooSmall = fit.verdict === 'too_small' ? ramTooSmall(fit, engine) : null;
    return { fit, finding: tooSmall, notice: null };
  }
  const gpus = surroundings.gpus ?? [];
  const faults = gpus.map((gpu) => gpuFault(gpu, model.config, engine));
  const finding =
    faults.find((fault) => fault !== null) ??
    sharingFault(model.config, surroundings) ??
    (fit.verdict === 'too_small' ? gpuTooSmall(model, fit, surroundings) : null);
  const notice = gpus.map((gpu) => driverFault(gpu, engine)).find((fault) => fault !== null) ?? null;
  return { fit, finding, notice };
}

/** The memory that the engine would use; null while it is not known. */
function memoryOf({ gpus, ramBytes, engine }: Surroundings): FitMemory | null {
  if (!engine.wantsGpu) return ramBytes === null ? null : { kind: 'ram', bytes: ramBytes };
  const used = (gpus ?? []).slice(0, engine.tensorParallel * engine.pipelineParallel);
  const sizes = used.map((gpu) => gpu.memoryBytes);
  if (sizes.length === 0 || sizes.some((bytes) => bytes === null)) return null;
  return { kind: 'gpu', bytes: Math.min(...sizes.filter((bytes) => bytes !== null)) };
}

/** `--tensor-parallel-size` against the number of GPUs and the heads, which vLLM divides among them. */
function sharingFault(config: ModelConfig, { gpus, engine }: Surroundings): Finding | null {
  const { tensorParallel, pipelineParallel } = engine;
  const wanted = tensorParallel * pipelineParallel;
  if (gpus !== null && gpus.length > 0 && wanted > gpus.length) {
    return {
      code: 'parallel_size_invalid',
      detail: `the command of the api service asks for ${wanted} GPUs; this machine has ${gpus.length}`,
    };
  }
  const heads = config.attentionHeads;
  if (heads !== null && heads % tensorParallel !== 0) {
    return {
      code: 'parallel_size_invalid',
      detail: `the model has ${heads} attention heads, which ${tensorParallel} GPUs cannot share evenly`,
    };
  }
  return null;
}

function gpuTooSmall(model: FitModel, fit: MemoryFit, surroundings: Surroundings): Finding {
  const { gpus, engine } = surroundings;
  const [gpu] = gpus ?? [];
  const name = gpu?.name ?? 'the GPU';
  const wanted = engine.tensorParallel * engine.pipelineParallel;
  const each = wanted === 1 ? '' : ` on each of ${wanted}`;
  return {
    code: 'gpu_too_small',
    detail:
      `have ${formatBytes(fit.haveBytes ?? 0)} for the engine on ${name}, need ${formatBytes(fit.needBytes ?? 0)}${each} ` +
      `(${formatBytes(fit.weightsBytes)} of weights${cacheWords(engine)})`,
    remedy: lowerCache(fit, engine) ?? gpuRemedy(model, surroundings),
  };
}

function gpuRemedy(model: FitModel, surroundings: Surroundings): string {
  const count = (surroundings.gpus ?? []).length;
  const all = sharedBy(count, model.config.attentionHeads);
  if (all > surroundings.engine.tensorParallel) {
    const engine = { ...surroundings.engine, tensorParallel: all };
    if (memoryFits(model, memoryOf({ ...surroundings, engine }), engine)) {
      return `Let the ${all} GPUs of this machine share it: add --tensor-parallel-size ${all} to API_ARGUMENTS in .env.`;
    }
  }
  const plan = planFor(model, surroundings.plans, surroundings.engine);
  const smaller = 'a smaller or quantised (AWQ, FP8) model in MODEL_ID';
  if (plan === null) return `No plan of the table is large enough; use ${smaller}.`;
  const share = plan.tensorParallel > 1 ? ` with --tensor-parallel-size ${plan.tensorParallel}` : '';
  return `Use ${smaller}, or a larger plan: ${plan.id} would do${share}.`;
}

/** The smallest plan on which a model runs with a useful context, and how many of its cards share it; null for none. */
export function planFor(
  model: FitModel,
  plans: readonly PlanMemory[],
  engine: EngineOptions,
): { id: string; tensorParallel: number } | null {
  const bySize = [...plans].sort((a, b) => a.gpuCount * a.gpuMemoryBytes - b.gpuCount * b.gpuMemoryBytes);
  for (const plan of bySize) {
    const gpu = {
      name: plan.gpuModel,
      memoryBytes: plan.gpuMemoryBytes,
      computeCapability: plan.computeCapability,
    };
    if (gpuFault(gpu, model.config, engine) !== null) continue;
    const tensorParallel = sharedBy(plan.gpuCount, model.config.attentionHeads);
    const memory: FitMemory = { kind: 'gpu', bytes: plan.gpuMemoryBytes * VISIBLE_SHARE };
    if (memoryFits(model, memory, { ...engine, tensorParallel, pipelineParallel: 1 })) {
      return { id: plan.id, tensorParallel };
    }
  }
  return null;
}

function memoryFits(model: FitModel, memory: FitMemory | null, engine: EngineOptions): boolean {
  const { config } = model;
  const weightsBytes = loadedBytes(model, engine);
  const { verdict, maxModelLen } = memoryFit({ config, weightsBytes, memory, engine });
  if (memory === null || verdict === 'too_small' || verdict === 'tight') return false;
  if (config.attention === null) return true;
  const wanted = Math.min(
    ADVISED_CONTEXT_TOKENS,
    engine.maxModelLen ?? config.maxModelLen ?? ADVISED_CONTEXT_TOKENS,
  );
  return (maxModelLen ?? 0) >= wanted;
}

/** Into how many GPUs out of `count` a model can be divided: the largest power of two that divides its heads. */
function sharedBy(count: number, heads: number | null): number {
  let shared = 1;
  while (shared * 2 <= count && (heads === null || heads % (shared * 2) === 0)) shared *= 2;
  return shared;
}

/** The part of the need that is a setting. */
function cacheWords({ kvCacheBytes }: EngineOptions): string {
  return kvCacheBytes === null ? '' : `, ${formatBytes(kvCacheBytes)} of cache as it is set`;
}

/** What to do where the model would fit with a smaller cache than the one that is set; null where it would not. */
function lowerCache({ largestCacheBytes: most }: MemoryFit, engine: EngineOptions): string | null {
  if (most === null || most === undefined) return null;
  if (engine.wantsGpu) {
    return `Lower --kv-cache-memory-bytes in API_ARGUMENTS in .env to ${formatBytes(most)} or less, or leave it out.`;
  }
  // The engine takes whole GiB only.
  const gib = Math.floor(most / GIB);
  if (gib === 0) return null;
  return `Lower CPU_KV_CACHE_GIB in .env (VLLM_CPU_KVCACHE_SPACE of the api service) to ${gib} or less.`;
}

function ramTooSmall(fit: MemoryFit, engine: EngineOptions): Finding {
  const remedy = lowerCache(fit, engine);
  return {
    code: 'host_memory_too_small',
    class: 'fatal',
    detail:
      `have ${formatBytes(fit.haveBytes ?? 0)} of memory for the engine, need ${formatBytes(fit.needBytes ?? 0)} ` +
      `(${formatBytes(fit.weightsBytes)} of weights${cacheWords(engine)})`,
    ...(remedy === null ? {} : { remedy }),
  };
}
