import { describe, expect, it } from 'vitest';
import { kvCacheBytes } from '../../../src/model/kv-cache.ts';
import { memoryFit } from '../../../src/model/memory-fit.ts';
import { readModelConfig } from '../../../src/model/model-config.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../../src/model/surroundings.ts';
import { POPULAR, type PopularModel } from './popular-configs.ts';

const GIB = 1024 ** 3;
const ONE_GPU = { bytesPerNumber: 2, tensorParallel: 1, batchTokens: 2048, blockTokens: 16 };
const models = Object.entries(POPULAR);

function read({ config }: PopularModel) {
  const found = readModelConfig(JSON.stringify(config));
  if (found?.attention == null) throw new Error('the shape of the attention is not read');
  return { ...found, attention: found.attention };
}

/** Keys and values of 16 bits, a token. */
const bytesOf = ([layers, kvHeads, headDim]: readonly number[]) =>
  2 * 2 * (layers ?? 0) * (kvHeads ?? 0) * (headDim ?? 0);

describe('what a model keeps of its context', () => {
  it.each(models)('%s', (_name, model) => {
    const { attention, maxModelLen } = read(model);
    expect(maxModelLen).toBe(model.length);
    const tokens = 1_048_576;
    const full = model.full === null ? 0 : bytesOf(model.full) * tokens;
    // Layers with a window keep it and one batch, in whole blocks, and one block more.
    const kept = Math.min((model.window?.[3] ?? 0) - 1 + ONE_GPU.batchTokens, tokens);
    const window = model.window === undefined ? 0 : bytesOf(model.window) * (Math.ceil(kept / 16) + 1) * 16;
    expect(kvCacheBytes(attention, tokens, ONE_GPU)).toBe(full + window);
  });

  it('is judged for every one of them, and never with a longer context than its own', () => {
    for (const [name, model] of models) {
      const fit = memoryFit({
        config: read(model),
        weightsBytes: 2 * GIB,
        memory: { kind: 'gpu', bytes: 79.2 * GIB },
        engine: DEFAULT_ENGINE_OPTIONS,
      });
      expect(fit.verdict, name).toMatch(/^fits/);
      expect(fit.maxModelLen, name).toBeLessThanOrEqual(model.length ?? 2048);
      expect(fit.maxModelLen, name).toBeGreaterThanOrEqual(1024);
    }
  });
});
