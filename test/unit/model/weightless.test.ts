import { describe, expect, it } from 'vitest';
import { selectFiles } from '../../../src/model/select-files.ts';
import { withoutWeights } from '../../../src/model/weightless.ts';

const commit = 'c'.repeat(40);

describe('a repository without weights for vLLM', () => {
  it.each([
    ['a LoRA adapter', ['adapter_config.json', 'adapter_model.safetensors'], 'LoRA adapter', true],
    ['GGUF files', ['config.json', 'model.Q4_K_M.gguf', 'model.Q8_0.gguf'], 'GGUF', true],
    ['GGML files', ['llama-2-7b.ggmlv3.q4_0.bin'], 'GGML', true],
    ['OpenVINO files', ['config.json', 'openvino_model.bin', 'openvino_model.xml'], 'OpenVINO', true],
    ['ONNX files', ['config.json', 'onnx/model.onnx', 'onnx/model_fp16.onnx'], 'ONNX', true],
    ['files of MLC', ['mlc-chat-config.json', 'params_shard_0.bin'], 'MLC', true],
    ['a folder of Llama’s own', ['original/consolidated.00.pth', 'original/params.json'], '.pth', true],
    ['Llama’s own files', ['consolidated.00.pth', 'params.json', 'tokenizer.model'], '.pth', true],
    ['Flax and TensorFlow', ['config.json', 'flax_model.msgpack', 'tf_model.h5'], 'TensorFlow', true],
    ['a diffusion model', ['model_index.json', 'unet/model.safetensors'], 'diffusion', false],
    ['one shard of two', ['config.json', 'model-00001-of-00002.safetensors'], 'incomplete', false],
    ['an index without files', ['config.json', 'model.safetensors.index.json'], 'incomplete', false],
    ['nothing', ['README.md'], 'no weights', false],
  ] as const)('that holds %s says so', (_what, paths, word, advises) => {
    expect(selectFiles(paths, new Map())).toBeNull();
    const finding = withoutWeights('acme/x', paths, { commit, baseModel: 'acme/original' });
    expect(finding).toMatchObject({ code: 'model_without_weights', detail: expect.stringContaining(word) });
    expect(finding.remedy?.includes('acme/original') ?? false).toBe(advises);
  });
});
