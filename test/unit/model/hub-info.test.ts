import { describe, expect, it } from 'vitest';
import { readAccount, readInfo } from '../../../src/model/hub-info.ts';
import { openModelLike } from '../../../src/model/open-models.ts';
import { withoutWeights } from '../../../src/model/weightless.ts';

const sha = 'a'.repeat(40);

describe('what a hub says of a model', () => {
  it('is read with its gate, its origin and its numbers', () => {
    expect(
      readInfo({
        sha,
        gated: 'manual',
        tags: ['license:mit', 'base_model:quantized:org/original'],
        safetensors: { parameters: { BF16: 5, F32: 1 }, total: 6 },
      }),
    ).toEqual({
      commit: sha,
      gate: 'manual',
      disabled: false,
      baseModel: 'org/original',
      parameters: { BF16: 5, F32: 1 },
    });
  });

  it('may be no more than a commit, as mirrors have it', () => {
    expect(readInfo({ sha })).toEqual({
      commit: sha,
      gate: null,
      disabled: false,
      baseModel: null,
      parameters: null,
    });
    for (const odd of [
      { sha, tags: 5, safetensors: [] },
      { sha, safetensors: { parameters: { F32: 'x' } } },
    ]) {
      expect(readInfo(odd)).toMatchObject({ baseModel: null, parameters: null });
    }
  });

  it('is refused without a commit', () => {
    for (const odd of [null, {}, { sha: 'main' }, []]) expect(() => readInfo(odd)).toThrow('40 hex digits');
  });

  it('names an account only where its name can be shown', () => {
    expect(readAccount({ name: 'alice-1' })).toBe('alice-1');
    for (const odd of [null, {}, { name: 'a b' }, { name: '\u001b[31m' }])
      expect(readAccount(odd)).toBeNull();
  });
});

describe('an open model in the place of another', () => {
  it('has about its size, and is not that one', () => {
    expect(openModelLike('meta-llama/Llama-3.1-8B-Instruct', 16.1e9)).toBe('Qwen/Qwen3-8B');
    expect(openModelLike('meta-llama/Llama-3.2-1B-Instruct', 2.5e9)).toBe('Qwen/Qwen3-0.6B');
    expect(openModelLike('qwen/qwen3-0.6b', 1e9)).not.toMatch(/0\.6b/i);
    expect(openModelLike('google/gemma-3-27b-it', null)).toBe('Qwen/Qwen3-8B');
  });
});

describe('a repository without weights for vLLM', () => {
  const info = { commit: sha, baseModel: 'org/original' };

  it.each([
    [['model.Q4_K_M.gguf', 'README.md'], 'GGUF'],
    [['adapter_config.json', 'adapter_model.safetensors'], 'LoRA'],
    [['model_index.json', 'unet/model.safetensors'], 'diffusion'],
    [['onnx/model.onnx'], 'ONNX'],
    [['tf_model.h5'], 'TensorFlow'],
    [['model.safetensors.index.json'], 'incomplete'],
    [['model-00001-of-00002.safetensors'], 'incomplete'],
    [['README.md'], 'no weights'],
  ])('%j: %s', (paths, words) => {
    expect(withoutWeights('acme/x', paths, info)).toMatchObject({
      code: 'model_without_weights',
      detail: expect.stringContaining(words),
    });
  });

  it('names the model that it was made from', () => {
    expect(withoutWeights('acme/x', ['x.gguf'], info).remedy).toContain('org/original');
    expect(withoutWeights('acme/x', ['x.gguf'], { ...info, baseModel: null }).remedy).toBeUndefined();
  });
});
