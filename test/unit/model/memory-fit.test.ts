import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GPU_PLANS } from '../../../src/host/gpu-plans.ts';
import { checkFit, planFor } from '../../../src/model/fit-check.ts';
import { kvBytesPerToken, kvCacheBytes, longestContext } from '../../../src/model/kv-cache.ts';
import { memoryFit } from '../../../src/model/memory-fit.ts';
import { type ModelConfig, readModelConfig } from '../../../src/model/model-config.ts';
import {
  DEFAULT_ENGINE_OPTIONS,
  type EngineOptions,
  type GpuMemory,
  type Surroundings,
} from '../../../src/model/surroundings.ts';
import { loadedBytes } from '../../../src/model/weights-size.ts';
import { PUBLISHED } from './published-configs.ts';

const GIB = 1024 ** 3;
/** 7,248,023,552 numbers of 16 bits. */
const MISTRAL_BYTES = 14_496_047_104;

function read(name: keyof typeof PUBLISHED): ModelConfig {
  const config = readModelConfig(JSON.stringify(PUBLISHED[name]));
  if (config === null) throw new Error(`${name} is not read`);
  return config;
}

function engine(options: Partial<EngineOptions> = {}): EngineOptions {
  return { ...DEFAULT_ENGINE_OPTIONS, ...options };
}

function mistralOn(gib: number, options: Partial<EngineOptions> = {}) {
  return memoryFit({
    config: read('mistral7bV3'),
    weightsBytes: MISTRAL_BYTES,
    memory: { kind: 'gpu', bytes: gib * GIB },
    engine: engine(options),
  });
}

const oneGpu = { bytesPerNumber: 2, tensorParallel: 1, batchTokens: 2048, blockTokens: 16 };

function shapeOf(name: keyof typeof PUBLISHED) {
  const { attention } = read(name);
  if (attention === null) throw new Error(`${name} has no shape`);
  return attention;
}

describe('the KV cache of a model', () => {
  it('has 128 KiB for each token of Mistral 7B, 4 GiB for its whole context', () => {
    expect(kvBytesPerToken(shapeOf('mistral7bV3'), oneGpu)).toBe(131_072);
    expect(kvCacheBytes(shapeOf('mistral7bV3'), 32_768, oneGpu)).toBe(4 * GIB);
  });

  it('is what vLLM reported for Qwen3-235B on four H100: 8.11 GiB are 178,880 tokens', () => {
    const options = { ...oneGpu, tensorParallel: 4 };
    const tokens = longestContext(shapeOf('qwen3of235bFp8'), 8.11 * GIB, 1e9, options);
    expect(Math.abs(tokens / 178_880 - 1)).toBeLessThan(0.015);
  });

  it('is what vLLM reported for Llama 3.1 8B on a 3090: 3.81 GiB are 1,952 blocks', () => {
    expect((kvCacheBytes(shapeOf('llama31of8b'), 1952 * 16, oneGpu) / GIB).toFixed(2)).toBe('3.81');
  });

  it('is what vLLM 0.32 demanded on the CPU: 7.63 GiB for 4,000,000 tokens of the tiny model; 1 GiB is 524,160', () => {
    const shape = readModelConfig(
      JSON.stringify({
        hidden_size: 256,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        num_key_value_heads: 2,
      }),
    )?.attention;
    if (shape == null) throw new Error('the tiny model has no shape');
    const cpu = { ...oneGpu, blockTokens: 128 };
    expect((kvCacheBytes(shape, 4_000_000, cpu) / GIB).toFixed(2)).toBe('7.63');
    expect(longestContext(shape, GIB, 4_000_000, cpu)).toBe(524_160);
  });

  it('is compressed and not shared with DeepSeek: 70,272 bytes for each token on every GPU', () => {
    for (const tensorParallel of [1, 8]) {
      expect(kvBytesPerToken(shapeOf('deepseekV3'), { ...oneGpu, tensorParallel })).toBe(61 * 576 * 2);
    }
  });

  it('stops growing in layers with a window', () => {
    const shape = shapeOf('gemma3of27b');
    const [short, long] = [kvCacheBytes(shape, 10_000, oneGpu), kvCacheBytes(shape, 20_000, oneGpu)];
    expect(long - short).toBe(10_000 * 2 * 10 * 16 * 128 * 2);
  });

  it('is halved by fp8', () => {
    expect(kvBytesPerToken(shapeOf('mistral7bV3'), { ...oneGpu, bytesPerNumber: 1 })).toBe(65_536);
  });

  it('is kept whole on every GPU by a head that cannot be divided', () => {
    const shape = shapeOf('qwen3Next80b');
    expect(kvBytesPerToken(shape, { ...oneGpu, tensorParallel: 8 })).toBe(
      kvBytesPerToken(shape, { ...oneGpu, tensorParallel: 2 }),
    );
  });

  it('grows with the context, and the longest context grows with the memory and always fits', () => {
    const names = fc.constantFrom(...(Object.keys(PUBLISHED) as (keyof typeof PUBLISHED)[]));
    const options = fc.record({
      bytesPerNumber: fc.constantFrom(1, 2, 4),
      tensorParallel: fc.constantFrom(1, 2, 4, 8),
      batchTokens: fc.integer({ min: 256, max: 16_384 }),
      blockTokens: fc.constantFrom(16, 128),
    });
    const tokens = fc.integer({ min: 1, max: 300_000 });
    const bytes = fc.integer({ min: -GIB, max: 100 * GIB });
    fc.assert(
      fc.property(names, options, tokens, tokens, bytes, bytes, (name, how, a, b, x, y) => {
        const shape = shapeOf(name);
        expect(kvCacheBytes(shape, Math.min(a, b), how)).toBeLessThanOrEqual(
          kvCacheBytes(shape, Math.max(a, b), how),
        );
        const less = longestContext(shape, Math.min(x, y), a, how);
        const more = longestContext(shape, Math.max(x, y), a, how);
        expect(less).toBeLessThanOrEqual(more);
        if (more > 0) expect(kvCacheBytes(shape, more, how)).toBeLessThanOrEqual(Math.max(x, y));
        const aside = how.blockTokens * kvBytesPerToken(shape, how);
        if (more < a) {
          expect(kvCacheBytes(shape, more + how.blockTokens, how) + aside).toBeGreaterThan(Math.max(x, y));
        }
      }),
    );
  });
});

describe('whether Mistral 7B fits', () => {
  it.each([
    [14.56, 'too_small', 0, 0],
    [19.55, 'fits_with_shorter_context', 20_000, 28_000],
    [22.05, 'fits', 32_768, 32_768],
    [23.5, 'fits', 32_768, 32_768],
    [44.4, 'fits', 32_768, 32_768],
    [79.2, 'fits', 32_768, 32_768],
  ] as const)('on %s GiB: %s', (gib, verdict, least, most) => {
    const fit = mistralOn(gib);
    expect(fit.verdict).toBe(verdict);
    expect(fit.maxModelLen).toBeGreaterThanOrEqual(least);
    expect(fit.maxModelLen).toBeLessThanOrEqual(most);
  });

  it('leaves to the engine what is too close to tell', () => {
    expect(mistralOn(15.7).verdict).toBe('tight');
  });

  it('has 7,000 tokens on 15.7 GiB with more of the memory', () => {
    const fit = mistralOn(15.7, { memoryUtilization: 0.97 });
    expect(fit.maxModelLen).toBeGreaterThan(2_000);
    expect(fit.maxModelLen).toBeLessThan(12_000);
  });

  it('says that a context that was asked for is too long, and which would go', () => {
    const fit = mistralOn(19.55, { maxModelLen: 32_768 });
    expect(fit.verdict).toBe('context_too_long');
    expect(fit.maxModelLen).toBeLessThan(32_768);
    expect(mistralOn(19.55, { maxModelLen: 16_384 }).verdict).toBe('fits');
    expect(mistralOn(19.55, { wholeContext: true }).verdict).toBe('context_too_long');
  });

  it('is told nothing while the memory is not known, but for what the model itself says', () => {
    const fit = memoryFit({
      config: read('mistral7bV3'),
      weightsBytes: MISTRAL_BYTES,
      memory: null,
      engine: engine(),
    });
    expect(fit).toMatchObject({ kvCacheBytesPerToken: 131_072, verdict: null, maxModelLen: null });
  });

  it('never becomes worse with more memory and the same batch', () => {
    const order = ['too_small', 'tight', 'fits_with_shorter_context', 'fits'];
    const gib = fc.double({ min: 1, max: 400, noNaN: true });
    fc.assert(
      fc.property(gib, gib, fc.constantFrom(1, 2, 4), (a, b, tensorParallel) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((size) =>
          mistralOn(size, { tensorParallel, maxBatchedTokens: 2048 }),
        );
        expect(order.indexOf(less?.verdict ?? '')).toBeLessThanOrEqual(order.indexOf(more?.verdict ?? ''));
        if (less?.verdict !== 'tight') expect(less?.maxModelLen).toBeLessThanOrEqual(more?.maxModelLen ?? -1);
      }),
    );
  });
});

describe('the size of loaded weights', () => {
  const plain = { quantization: null, dtype: 'bfloat16' };

  it('is that of the files of a model of 16 bits, and of a quantised one', () => {
    expect(loadedBytes({ fileBytes: 100, parameters: null, config: plain }, engine())).toBe(100);
    const packed = { quantization: 'awq', dtype: 'float16' };
    expect(loadedBytes({ fileBytes: 100, parameters: { I32: 20, F16: 10 }, config: packed }, engine())).toBe(
      100,
    );
  });

  it('is half of the files of a float32 model, by the count of the hub or by its configuration', () => {
    const wide = { quantization: null, dtype: 'float32' };
    expect(loadedBytes({ fileBytes: 400, parameters: null, config: wide }, engine())).toBe(200);
    const untold = { quantization: null, dtype: null };
    expect(loadedBytes({ fileBytes: 400, parameters: { F32: 100 }, config: untold }, engine())).toBe(200);
    expect(
      loadedBytes({ fileBytes: 400, parameters: null, config: wide }, engine({ dtype: 'float32' })),
    ).toBe(400);
  });

  it('does not believe a count that is of other files', () => {
    expect(loadedBytes({ fileBytes: 400, parameters: { F32: 7 }, config: plain }, engine())).toBe(400);
  });

  it('is smaller when the engine quantises while it loads', () => {
    expect(
      loadedBytes({ fileBytes: 100, parameters: null, config: plain }, engine({ quantization: 'fp8' })),
    ).toBe(55);
  });
});

describe('a model against the machine', () => {
  const ada: GpuMemory = {
    name: 'NVIDIA RTX 4000 Ada Generation',
    memoryBytes: 19.55 * GIB,
    computeCapability: '8.9',
    driverVersion: '580.95.05',
  };
  const quadro: GpuMemory = { name: 'Quadro RTX 6000', memoryBytes: 23.5 * GIB, computeCapability: '7.5' };

  function check(
    name: keyof typeof PUBLISHED,
    fileBytes: number,
    around: Partial<Surroundings> & { options?: Partial<EngineOptions> },
  ) {
    const { options = {}, ...rest } = around;
    return checkFit(
      { config: read(name), fileBytes, parameters: null },
      { gpus: [ada], ramBytes: null, claims: [], plans: GPU_PLANS, engine: engine(options), ...rest },
    );
  }

  it('names what there is, what is needed, and a plan that would do', () => {
    const { finding } = check('llama31of8b', 70e9 * 2, {});
    expect(finding).toMatchObject({ code: 'gpu_too_small' });
    expect(finding?.detail).toMatch(/have 19\.3 GB .* need 140 GB .*140 GB of weights/);
    expect(finding?.remedy).toContain('g3-gpu-rtxpro6000-blackwell-2');
    expect(finding?.remedy).toContain('--tensor-parallel-size 2');
  });

  it('advises the smallest plan, and none that cannot compute the model', () => {
    const model = { config: read('mistral7bV3'), fileBytes: MISTRAL_BYTES, parameters: null };
    expect(planFor(model, GPU_PLANS, engine())?.id).toBe('g2-gpu-rtx4000a1-s');
    const gemma = { config: read('gemma3of27b'), fileBytes: 54.9e9, parameters: null };
    expect(planFor(gemma, GPU_PLANS, engine())?.id).toMatch(/^g2-gpu-rtx4000a4|blackwell-1$/);
    const huge = { config: read('deepseekV3'), fileBytes: 689e9, parameters: null };
    expect(planFor(huge, GPU_PLANS, engine())).toBeNull();
  });

  it('advises the other GPU of the machine before another plan', () => {
    const { finding } = check('mistral7bV3', 2 * MISTRAL_BYTES, { gpus: [ada, ada] });
    expect(finding?.remedy).toBe(
      'Let the 2 GPUs of this machine share it: add --tensor-parallel-size 2 to API_ARGUMENTS in .env.',
    );
  });

  it('knows more GPUs than there are, and heads that cannot be shared evenly', () => {
    expect(check('mistral7bV3', 1e9, { options: { tensorParallel: 4 } }).finding?.detail).toContain(
      'asks for 4 GPUs',
    );
    const three = check('mistral7bV3', 1e9, { gpus: [ada, ada, ada], options: { tensorParallel: 3 } });
    expect(three.finding).toMatchObject({ code: 'parallel_size_invalid' });
  });

  it('knows that Turing has no bfloat16: forced it is a problem, otherwise vLLM takes float16', () => {
    const around = { gpus: [quadro] };
    expect(check('mistral7bV3', MISTRAL_BYTES, around).finding).toBeNull();
    const forced = check('mistral7bV3', MISTRAL_BYTES, { ...around, options: { dtype: 'bfloat16' } });
    expect(forced.finding).toMatchObject({ code: 'gpu_too_old', detail: expect.stringContaining('7.5') });
    expect(check('gemma3of27b', 1e9, around).finding).toMatchObject({ code: 'gpu_too_old' });
    expect(check('gptOss20b', 1e9, around).finding?.detail).toContain('mxfp4');
  });

  it('knows GPUs that the images have no code for', () => {
    const pascal = { name: 'Tesla P40', memoryBytes: 24 * GIB, computeCapability: '6.1' };
    expect(check('mistral7bV3', 1e9, { gpus: [pascal] }).finding).toMatchObject({ code: 'gpu_too_old' });
  });

  it('tells of a driver that is too old, and lets the download go on', () => {
    const old = { ...ada, driverVersion: '535.230.02' };
    const checked = check('mistral7bV3', MISTRAL_BYTES, { gpus: [old], options: { minimumDriver: 580 } });
    expect(checked.finding).toBeNull();
    expect(checked.notice).toMatchObject({
      code: 'gpu_driver_too_old',
      detail: expect.stringContaining('535.230.02'),
    });
    expect(check('mistral7bV3', MISTRAL_BYTES, { options: { minimumDriver: 580 } }).notice).toBeNull();
  });

  it('does nothing of the kind while the GPUs are not known yet', () => {
    for (const gpus of [null, []]) {
      expect(check('llama31of8b', 140e9, { gpus })).toMatchObject({ finding: null, notice: null });
    }
  });

  it('compares with the memory of the machine where the engine runs on the CPU', () => {
    const options = { wantsGpu: false };
    const small = check('llama31of8b', 16e9, { gpus: [], ramBytes: 16 * GIB, options });
    expect(small.finding).toMatchObject({ code: 'host_memory_too_small', class: 'fatal' });
    const large = check('llama31of8b', 16e9, { gpus: [], ramBytes: 64 * GIB, options });
    expect(large).toMatchObject({ finding: null, fit: { verdict: 'fits' } });
  });

  it('counts a cache that is set, and says which setting to lower', () => {
    const options = { wantsGpu: false, kvCacheBytes: 40 * GIB };
    const cpu = { gpus: [], ramBytes: 32 * GIB };
    const { finding, fit } = check('llama31of8b', 16e9, { ...cpu, options });
    expect(fit).toMatchObject({ verdict: 'too_small', maxModelLen: 0 });
    expect(fit.needBytes).toBeGreaterThan(16e9 + 40 * GIB);
    expect(finding).toMatchObject({ code: 'host_memory_too_small' });
    expect(finding?.detail).toMatch(/need 59\.\d GB .*16\.0 GB of weights, 42\.9 GB of cache as it is set/);
    expect(finding?.remedy).toContain('Lower CPU_KV_CACHE_GIB in .env');
    expect(finding?.remedy).toContain('to 13 or less');
    const lowered = { ...options, kvCacheBytes: 13 * GIB };
    expect(check('llama31of8b', 16e9, { ...cpu, options: lowered }).finding).toBeNull();
    // Where not even the weights fit, another cache is no remedy.
    const hopeless = check('llama31of8b', 16e9, { gpus: [], ramBytes: 16 * GIB, options });
    expect(hopeless.finding?.remedy).toBeUndefined();
  });

  it('gives the whole GPU to a cache that is set, and says when it is too large', () => {
    const options = (gib: number) => ({ kvCacheBytes: gib * GIB });
    const { finding } = check('mistral7bV3', MISTRAL_BYTES, { options: options(8) });
    expect(finding).toMatchObject({ code: 'gpu_too_small' });
    expect(finding?.remedy).toMatch(/Lower --kv-cache-memory-bytes in API_ARGUMENTS in \.env to 5\.\d GB/);
    expect(check('mistral7bV3', MISTRAL_BYTES, { options: options(5) }).fit.verdict).toBe('tight');
    expect(check('mistral7bV3', MISTRAL_BYTES, { options: options(4.5) })).toMatchObject({
      finding: null,
      fit: { verdict: 'fits' },
    });
  });
});
