import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexesToRead, readIndex, selectFiles } from '../../../src/model/select-files.ts';

const none = new Map<string, string[]>();
const shards = [1, 2, 3].map((part) => `model-0000${part}-of-00003.safetensors`);
const index = 'model.safetensors.index.json';
const mistral = [
  '.gitattributes',
  'README.md',
  'config.json',
  'consolidated.safetensors',
  'generation_config.json',
  ...shards,
  index,
  'params.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer.model.v3',
  'tokenizer_config.json',
];

describe('selectFiles', () => {
  it('takes the indexed set of Mistral and never the second copy of the weights', () => {
    const chosen = selectFiles(mistral, new Map([[index, shards]]));
    expect(chosen?.set).toEqual({ kind: 'safetensors', weights: shards, index });
    expect(chosen?.paths).toEqual(
      mistral
        .filter((path) => !['.gitattributes', 'README.md', 'consolidated.safetensors'].includes(path))
        .sort(),
    );
  });

  it('takes consolidated weights with their params when there is no index, and not the single file beside them', () => {
    const chosen = selectFiles(
      ['consolidated.safetensors', 'model.safetensors', 'params.json', 'tekken.json'],
      none,
    );
    expect(chosen?.paths).toEqual(['consolidated.safetensors', 'params.json', 'tekken.json']);
  });

  it('prefers single safetensors to consolidated ones that have no params', () => {
    expect(selectFiles(['consolidated.safetensors', 'model.safetensors'], none)?.set.weights).toEqual([
      'model.safetensors',
    ]);
  });

  it('takes consolidated shards that an index of their own names', () => {
    const parts = ['consolidated-00001-of-00002.safetensors', 'consolidated-00002-of-00002.safetensors'];
    const own = 'consolidated.safetensors.index.json';
    const chosen = selectFiles([...parts, own, 'params.json'], new Map([[own, parts]]));
    expect(chosen?.paths).toEqual([...parts, own, 'params.json'].sort());
  });

  it('prefers safetensors to PyTorch files, and takes those only where nothing else is', () => {
    expect(selectFiles(['model.safetensors', 'pytorch_model.bin'], none)?.set.kind).toBe('safetensors');
    expect(selectFiles(['pytorch_model.bin', 'training_args.bin'], none)?.set.weights).toEqual([
      'pytorch_model.bin',
    ]);
    const bins = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin'];
    const binIndex = 'pytorch_model.bin.index.json';
    expect(selectFiles([...bins, binIndex], new Map([[binIndex, bins]]))?.set.weights).toEqual(bins);
    expect(selectFiles(['model.pt', 'optimizer.pt'], none)?.set).toMatchObject({
      kind: 'pt',
      weights: ['model.pt'],
    });
  });

  it('does not take an index whose files are missing', () => {
    expect(selectFiles([index, shards[0] ?? ''], new Map([[index, shards]]))).toBeNull();
  });

  it('does not take numbered shards of which one is missing', () => {
    expect(selectFiles(shards.slice(1), none)).toBeNull();
    expect(selectFiles(shards, none)?.set.weights).toEqual(shards);
  });

  it('ignores other formats, pictures, texts for people and sub-folders', () => {
    const noise = [
      'model.gguf',
      'flax_model.msgpack',
      'tf_model.h5',
      'onnx/model.onnx',
      'onnx/config.json',
      'original/consolidated.00.pth',
      'logo.png',
      'README.md',
      'LICENSE.txt',
      'trainer_state.json',
      'flax_model.msgpack.index.json',
      'adapter_model.safetensors',
    ];
    expect(selectFiles([...noise, 'model.safetensors', 'config.json'], none)?.paths).toEqual([
      'config.json',
      'model.safetensors',
    ]);
    expect(selectFiles(noise, none)).toBeNull();
  });

  it('takes no files of other programs for those of PyTorch', () => {
    const others = [
      'openvino_model.bin',
      'openvino_tokenizer.bin',
      'ggml-model-q4_0.bin',
      'llama-2-7b-chat.ggmlv3.q4_0.bin',
      'params_shard_0.bin',
    ];
    expect(selectFiles([...others, 'config.json'], none)).toBeNull();
    expect(selectFiles([...others, 'model-a.bin'], none)?.set.weights).toEqual(['model-a.bin']);
  });

  it('takes tokenizers, chat templates and the code of a model', () => {
    const support = [
      'additional_chat_templates/tool.jinja',
      'chat_template.jinja',
      'merges.txt',
      'modeling_x.py',
      'qwen.tiktoken',
      'tokenizer.model',
      'vocab.json',
    ];
    expect(selectFiles([...support, 'model.safetensors'], none)?.paths).toEqual(
      [...support, 'model.safetensors'].sort(),
    );
  });

  it('never takes two copies of the weights, whatever a repository holds', () => {
    const pool = [
      ...shards,
      ...mistral,
      'model.safetensors',
      'pytorch_model.bin',
      'pytorch_model-00001-of-00002.bin',
      'pytorch_model-00002-of-00002.bin',
      'pytorch_model.bin.index.json',
      'consolidated-00001-of-00002.safetensors',
      'consolidated-00002-of-00002.safetensors',
      'consolidated.safetensors.index.json',
      'model.gguf',
      'adapter_model.safetensors',
      'original/consolidated.00.pth',
    ];
    const copyOf = (path: string) =>
      /^consolidated.*\.safetensors$/.test(path)
        ? 'mistral'
        : path.endsWith('.bin')
          ? 'pytorch'
          : path === 'model.safetensors'
            ? 'single'
            : 'shards';
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...pool)), fc.boolean(), (paths, indexed) => {
        const indexes = indexed && paths.includes(index) ? new Map([[index, shards]]) : none;
        const chosen = selectFiles(paths, indexes);
        if (chosen === null) return;
        const weights = chosen.paths.filter((path) => /\.(safetensors|bin|pt)$/.test(path));
        expect(weights.sort()).toEqual([...chosen.set.weights].sort());
        expect(new Set(weights.map(copyOf)).size).toBe(1);
        for (const path of chosen.paths) expect(paths).toContain(path);
        // An index that names shards is never without one of them.
        if (chosen.set.index === index) expect(weights.sort()).toEqual(shards);
      }),
    );
  });

  it('says which indexes it needs, and reads only real ones', () => {
    expect(indexesToRead(mistral)).toEqual([index]);
    expect(readIndex('{"weight_map":{"a":"x","b":"y","c":"x"}}')).toEqual(['x', 'y']);
    for (const text of ['', '[]', '{}', '{"weight_map":{}}', '{"weight_map":{"a":1}}', 'null']) {
      expect(readIndex(text)).toBeNull();
    }
  });
});
