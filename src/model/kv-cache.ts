import type { AttentionShape } from './attention-shape.ts';

/** How the cache of one GPU is kept. */
export interface KvCacheOptions {
  /** Bytes of one number: 2, or 1 with `--kv-cache-dtype fp8`. */
  bytesPerNumber: number;
  /** GPUs that share the heads. */
  tensorParallel: number;
  /** Tokens of one batch, which layers with a window keep beside it. */
  batchTokens: number;
  /** Tokens of one block: 16 on GPUs, 128 on the CPU (vLLM's defaults). */
  blockTokens: number;
}

/**
 * Bytes of the KV cache that one GPU needs for one request of `tokens` tokens, as vLLM 0.32 counts them
 * (`max_memory_usage_bytes` in vllm/v1/kv_cache_interface.py): whole blocks; layers with a window keep at most the
 * window and one batch, and one block more. Grows with `tokens`.
 */
export function kvCacheBytes(shape: AttentionShape, tokens: number, options: KvCacheOptions): number {
  const { blockTokens } = options;
  const blocks = Math.ceil(tokens / blockTokens);
  const perToken = layerBytes(shape, options);
  const full = blocks * blockTokens * perToken.full;
  if (shape.kind === 'latent' || shape.windowTokens === null) return full;
  const kept = Math.min(shape.windowTokens - 1 + options.batchTokens, tokens);
  const windowBlocks = Math.ceil(kept / blockTokens) + 1;
  return full + windowBlocks * blockTokens * perToken.window;
}

/** Bytes of one token in all layers that keep tokens; an upper bound where some keep only the last ones. */
export function kvBytesPerToken(shape: AttentionShape, options: KvCacheOptions): number {
  const { full, window } = layerBytes(shape, options);
  return full + window;
}

/**
 * The longest context of at most `limit` tokens whose cache fits into `budgetBytes`, in whole blocks; 0 when none does.
 * One block more is kept aside, as vLLM does (its null block).
 */
export function longestContext(
  shape: AttentionShape,
  budgetBytes: number,
  limit: number,
  options: KvCacheOptions,
): number {
  const { blockTokens } = options;
  const usableBytes = budgetBytes - blockTokens * kvBytesPerToken(shape, options);
  const fits = (tokens: number) => kvCacheBytes(shape, tokens, options) <= usableBytes;
  if (fits(limit)) return limit;
  let low = 0;
  let high = Math.ceil(limit / blockTokens);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle * blockTokens)) low = middle;
    else high = middle;
  }
  return low * blockTokens;
}

/** Bytes of one token on one GPU, over all layers of a kind; a head that is not divisible is kept on every GPU. */
function layerBytes(shape: AttentionShape, options: KvCacheOptions): { full: number; window: number } {
  const { bytesPerNumber, tensorParallel } = options;
  if (shape.kind === 'latent') return { full: shape.layers * shape.width * bytesPerNumber, window: 0 };
  const ofHeads = (layers: number, heads: number, dim: number) =>
    2 * layers * Math.max(1, Math.ceil(heads / tensorParallel)) * dim * bytesPerNumber;
  return {
    full: ofHeads(shape.fullLayers, shape.fullKvHeads, shape.fullHeadDim),
    window: ofHeads(shape.windowLayers, shape.kvHeads, shape.headDim),
  };
}
