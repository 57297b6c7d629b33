import { type KvCacheOptions, kvBytesPerToken, kvCacheBytes, longestContext } from './kv-cache.ts';
import type { ModelConfig } from './model-config.ts';
import type { EngineOptions } from './surroundings.ts';

const GIB = 1024 ** 3;

/** Share of the memory that vLLM takes: 0.92 from v0.21 on, 0.90 before (vllm/config/cache.py). */
const UTILIZATION = { current: 0.92, before021: 0.9 } as const;

/**
 * Memory beside weights and cache: CUDA context, activations of one batch, CUDA graphs. Derived from vLLM's own
 * messages; the real number is within 0.7 GiB of it. Larger cards run larger batches and so need more; between the
 * points it is a straight line.
 */
const OVERHEAD_GIB: readonly (readonly [memoryGib: number, overheadGib: number])[] = [
  [40, 1.3],
  [80, 2.4],
  [160, 3],
];

/** The same for the CPU: what the engine's processes have resident beside a tiny model. */
const CPU_OVERHEAD_BYTES = 1.3 * GIB;

/** The least that any engine has needed beside weights and cache; a refusal counts with this. */
const LEAST_OVERHEAD_BYTES = 0.3 * GIB;

/** Tokens of one batch by default (`get_batch_defaults`), for cards of less than 70, less than 160, and more GiB, and on the CPU. */
const BATCH_TOKENS = { below70Gib: 2048, below160Gib: 8192, above: 16_384, cpu: 2048 } as const;

/** Tokens of one block of the cache; MLA has the small ones on the CPU, too (vllm/platforms/cpu.py). */
const BLOCK_TOKENS = { gpu: 16, cpu: 128 } as const;

/** A context shorter than this is not worth an engine. */
const LEAST_CONTEXT_TOKENS = 512;

/** Context that a model gets which names none (vLLM's own default). */
const DEFAULT_CONTEXT_TOKENS = 2048;

/** How a model goes into a memory. */
type FitVerdict =
  /** With its whole context, or with the one that is asked for. */
  | 'fits'
  /** With `maxModelLen` tokens of context, which `--max-model-len auto` finds by itself. */
  | 'fits_with_shorter_context'
  /** The context that is asked for is too long; with `maxModelLen` it would go. */
  | 'context_too_long'
  /** By the estimate it does not, but so closely that only the engine can tell. */
  | 'tight'
  | 'too_small';

/** The memory a model is to go into: that of each of its GPUs, or of the machine. */
export interface FitMemory {
  kind: 'gpu' | 'ram';
  /** Of one GPU, the smallest of those used; or of the machine. */
  bytes: number;
}

/** What the estimate says. Bytes of weights are of the whole model, all others of one GPU. */
export interface MemoryFit {
  weightsBytes: number;
  /** Null where the shape of the attention is not known. */
  kvCacheBytesPerToken: number | null;
  /** Longest context that fits, at most the model's own; null where it is not known; 0 when nothing does. */
  maxModelLen: number | null;
  /** Null where the memory is not known. */
  verdict: FitVerdict | null;
  /** What the engine may take of the memory. */
  haveBytes: number | null;
  /** What weights, engine and the cache need at least: the one that is set, else that of the shortest useful context. */
  needBytes: number | null;
  /** With a cache that is set and does not fit: the largest that would, in bytes; null otherwise, or when none would do. */
  largestCacheBytes?: number | null;
}

/** What {@link memoryFit} computes from. */
export interface FitQuestion {
  config: Pick<ModelConfig, 'attention' | 'maxModelLen'>;
  /** Of the whole model, as it will be loaded. */
  weightsBytes: number;
  /** Null: only what the model itself needs is computed. */
  memory: FitMemory | null;
  engine: EngineOptions;
}

/**
 * Estimates whether and with how long a context a model fits, as vLLM does: share of the memory − weights − overhead
 * is left for the cache. With the same batch, more memory never makes the answer worse.
 */
export function memoryFit({ config, weightsBytes, memory, engine }: FitQuestion): MemoryFit {
  const shape = config.attention;
  const options = kvOptions(engine, memory, shape?.kind === 'latent');
  const perToken = shape === null ? null : kvBytesPerToken(shape, options);
  const own = config.maxModelLen ?? DEFAULT_CONTEXT_TOKENS;
  const unknown = { haveBytes: null, needBytes: null, verdict: null, maxModelLen: null };
  if (memory === null) return { weightsBytes, kvCacheBytesPerToken: perToken, ...unknown };

  const haveBytes = Math.floor(memory.bytes * usableShare(engine, memory));
  const share = Math.max(
    0,
    weightsBytes / (engine.tensorParallel * engine.pipelineParallel) - engine.cpuOffloadBytes,
  );
  const leastContext = Math.min(LEAST_CONTEXT_TOKENS, own);
  const leastCache = shape === null ? 0 : kvCacheBytes(shape, leastContext, options);
  const needBytes = Math.ceil(share + LEAST_OVERHEAD_BYTES + (engine.kvCacheBytes ?? leastCache));
  const common = { weightsBytes, kvCacheBytesPerToken: perToken, haveBytes, needBytes };
  if (haveBytes < needBytes) {
    const besideWeights = Math.floor(haveBytes - share - overhead(memory));
    const lower = engine.kvCacheBytes !== null && besideWeights >= leastCache && besideWeights > 0;
    return {
      ...common,
      verdict: 'too_small',
      maxModelLen: 0,
      largestCacheBytes: lower ? besideWeights : null,
    };
  }
  if (shape === null) return { ...common, verdict: null, maxModelLen: null };

  const longest = (overheadBytes: number) =>
    longestContext(shape, engine.kvCacheBytes ?? haveBytes - share - overheadBytes, own, options);
  const likely = longest(overhead(memory));
  const cacheIsTight =
    engine.kvCacheBytes !== null && haveBytes < share + overhead(memory) + engine.kvCacheBytes;
  if (likely < leastContext || cacheIsTight) {
    return { ...common, verdict: 'tight', maxModelLen: longest(LEAST_OVERHEAD_BYTES) };
  }
  const asked = engine.maxModelLen ?? (engine.wholeContext ? own : null);
  if (asked !== null) {
    return { ...common, verdict: asked <= likely ? 'fits' : 'context_too_long', maxModelLen: likely };
  }
  return { ...common, verdict: likely < own ? 'fits_with_shorter_context' : 'fits', maxModelLen: likely };
}

function kvOptions(engine: EngineOptions, memory: FitMemory | null, latent: boolean): KvCacheOptions {
  const fp8 = engine.kvCacheDtype.startsWith('fp8');
  return {
    bytesPerNumber: fp8 ? 1 : computeBytes(engine),
    tensorParallel: engine.tensorParallel,
    batchTokens: engine.maxBatchedTokens ?? batchTokens(memory),
    blockTokens: memory?.kind === 'ram' && !latent ? BLOCK_TOKENS.cpu : BLOCK_TOKENS.gpu,
  };
}

/** Bytes of one number in computations: `float32` when it is asked for, else 16 bits. */
export function computeBytes(engine: Pick<EngineOptions, 'dtype'>): number {
  return engine.dtype === 'float32' || engine.dtype === 'float' ? 4 : 2;
}

/** A GPU whose cache is set is used as a whole: vLLM ignores the share then. A machine has others to keep, too. */
function usableShare(engine: EngineOptions, memory: FitMemory): number {
  return memory.kind === 'gpu' && engine.kvCacheBytes !== null ? 1 : utilization(engine);
}

function utilization({ memoryUtilization, version }: EngineOptions): number {
  if (memoryUtilization !== null) return memoryUtilization;
  return version !== null && version.major === 0 && version.minor < 21
    ? UTILIZATION.before021
    : UTILIZATION.current;
}

function overhead(memory: FitMemory): number {
  if (memory.kind === 'ram') return CPU_OVERHEAD_BYTES;
  const gib = memory.bytes / GIB;
  let [below] = OVERHEAD_GIB;
  for (const point of OVERHEAD_GIB) {
    if (below !== undefined && gib <= point[0]) {
      const span = point[0] - below[0];
      const way = span === 0 ? 0 : Math.max(0, gib - below[0]) / span;
      return (below[1] + way * (point[1] - below[1])) * GIB;
    }
    below = point;
  }
  return (below?.[1] ?? 0) * GIB;
}

function batchTokens(memory: FitMemory | null): number {
  if (memory === null) return BATCH_TOKENS.below70Gib;
  if (memory.kind === 'ram') return BATCH_TOKENS.cpu;
  if (memory.bytes < 70 * GIB) return BATCH_TOKENS.below70Gib;
  return memory.bytes < 160 * GIB ? BATCH_TOKENS.below160Gib : BATCH_TOKENS.above;
}
