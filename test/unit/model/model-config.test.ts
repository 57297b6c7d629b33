import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelConfig, readMistralParams, readModelConfig } from '../../../src/model/model-config.ts';
import { PUBLISHED } from './published-configs.ts';

function read(name: keyof typeof PUBLISHED): ModelConfig {
  const config = readModelConfig(JSON.stringify(PUBLISHED[name]));
  if (config === null) throw new Error(`${name} is not read`);
  return config;
}

const heads = (layers: number, kvHeads: number, headDim: number) => ({
  kind: 'heads',
  fullLayers: layers,
  windowLayers: 0,
  windowTokens: null,
  kvHeads,
  headDim,
  fullKvHeads: kvHeads,
  fullHeadDim: headDim,
});

describe('reading the configuration of a model', () => {
  it('knows grouped heads, and derives their size from the hidden one', () => {
    expect(read('mistral7bV3')).toMatchObject({
      architectures: ['MistralForCausalLM'],
      dtype: 'bfloat16',
      quantization: null,
      attentionHeads: 32,
      attention: heads(32, 8, 128),
      maxModelLen: 32_768,
    });
  });

  it('takes an explicit size of the heads, and the method of a quantised model', () => {
    expect(read('qwen3of235bFp8')).toMatchObject({ attention: heads(94, 4, 128), quantization: 'fp8' });
  });

  it('does not take a window for one that is switched off', () => {
    expect(read('qwen25of7b').attention).toEqual(heads(28, 4, 128));
  });

  it('knows the compressed cache of DeepSeek, whose length yarn has already scaled', () => {
    const config = read('deepseekV3');
    expect(config.attention).toEqual({ kind: 'latent', layers: 61, width: 576 });
    expect(config.maxModelLen).toBe(163_840);
    expect(config.ownCode).toBe(true);
  });

  it('reads the language part of a model with pictures, with a full layer after every five with a window', () => {
    expect(read('gemma3of27b')).toMatchObject({
      attention: { fullLayers: 10, windowLayers: 52, windowTokens: 1024, kvHeads: 16, headDim: 128 },
      maxModelLen: 131_072,
    });
  });

  it('reads layer by layer where the file names each', () => {
    expect(read('gptOss20b').attention).toMatchObject({
      fullLayers: 12,
      windowLayers: 12,
      windowTokens: 128,
    });
  });

  it('knows the single head of the old Falcon, and the length that its file does not name', () => {
    expect(read('falcon7b')).toMatchObject({ attention: heads(32, 1, 64), maxModelLen: 2048 });
  });

  it('takes what the type of a model implies for what is not there, and a null for what it says', () => {
    const length = (fields: object) => readModelConfig(JSON.stringify(fields))?.maxModelLen;
    expect(length({ model_type: 'llama' })).toBe(2048);
    expect(length({ model_type: 'gemma3', text_config: {} })).toBe(131_072);
    expect(length({ model_type: 'constructor', text_config: {} })).toBeNull();
    const whole = readModelConfig(JSON.stringify({ model_type: 'mistral', sliding_window: null }));
    expect(whole?.attention).toEqual(heads(32, 8, 128));
  });

  it('reads a scaling of positions for each kind of layer', () => {
    const config = {
      ...PUBLISHED.mistral7bV3,
      rope_parameters: {
        full_attention: { rope_type: 'linear', factor: 8 },
        sliding_attention: { rope_type: 'default' },
      },
    };
    expect(readModelConfig(JSON.stringify(config))?.maxModelLen).toBe(262_144);
  });

  it('takes no size that no model has for one', () => {
    const absurd = { ...PUBLISHED.mistral7bV3, head_dim: 1e300, max_position_embeddings: 1e30 };
    const config = readModelConfig(JSON.stringify(absurd));
    expect(config).toMatchObject({ attention: heads(32, 8, 128), maxModelLen: null });
  });

  it('takes the original length of a model that stretches its positions by longrope, as vLLM does', () => {
    expect(read('phi3mini128k').maxModelLen).toBe(4096);
  });

  it('counts only the layers that keep tokens of models that mix attention with others', () => {
    expect(read('qwen3Next80b').attention).toEqual(heads(12, 2, 256));
    expect(read('nemotronH8b').attention).toEqual(heads(2, 8, 128));
  });

  it('multiplies the length where positions are stretched linearly', () => {
    const config = { ...PUBLISHED.mistral7bV3, rope_scaling: { type: 'linear', factor: 4 } };
    expect(readModelConfig(JSON.stringify(config))?.maxModelLen).toBe(131_072);
  });

  it('knows a model that is made for MLX', () => {
    const config = { ...PUBLISHED.llama31of8b, quantization: { group_size: 64, bits: 4 } };
    expect(readModelConfig(JSON.stringify(config))?.mlx).toBe(true);
  });

  it("reads Mistral's own params.json into the same form", () => {
    const params = { dim: 4096, n_layers: 32, head_dim: 128, n_heads: 32, n_kv_heads: 8, vocab_size: 32_768 };
    expect(readMistralParams(JSON.stringify({ ...params, max_seq_len: 32_768 }))).toMatchObject({
      architectures: ['MistralForCausalLM'],
      attention: heads(32, 8, 128),
      maxModelLen: 32_768,
    });
    expect(readMistralParams(JSON.stringify({ ...params, moe: { num_experts: 8 } }))?.architectures).toEqual([
      'MixtralForCausalLM',
    ]);
  });

  it('takes a number of layers that would fill the memory for none', () => {
    const text = JSON.stringify({
      ...PUBLISHED.gptOss20b,
      layer_types: [],
      num_hidden_layers: 2_000_000_000,
    });
    expect(readModelConfig(text)?.attention).toBeNull();
  });

  it('finds the language part however deep it stands', () => {
    const depth = 5_000;
    const text = `${'{"text_config":'.repeat(depth)}{"max_position_embeddings":4096}${'}'.repeat(depth)}`;
    expect(readModelConfig(text)?.maxModelLen).toBe(4096);
  });

  it('never throws, whatever a hub sends, and never reads negative or endless numbers', () => {
    const key = fc.constantFrom(
      ...Object.keys(PUBLISHED.gptOss20b),
      'text_config',
      'kv_lora_rank',
      'attn_layer_period',
      'hybrid_override_pattern',
      'layers_block_type',
    );
    const value = fc.oneof(fc.jsonValue(), fc.double(), fc.integer());
    fc.assert(
      fc.property(fc.dictionary(key, value), (fields) => {
        const config = readModelConfig(JSON.stringify(fields));
        const { attention } = config ?? {};
        for (const found of Object.values(attention ?? {})) {
          if (typeof found === 'number') expect(found).toBeGreaterThanOrEqual(0);
        }
      }),
    );
    for (const text of ['', '[]', 'null', '{', '"x"']) expect(readModelConfig(text)).toBeNull();
  });
});
