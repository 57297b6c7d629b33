import { createHash } from 'node:crypto';
import type { Content } from '../stand-ins/hub/repository.ts';

/** Bytes that look random and are always the same for the same seed. */
export function bytesOf(seed: string, length: number): Buffer {
  const block = createHash('shake256', { outputLength: Math.min(length, 65_536) })
    .update(seed)
    .digest();
  return Buffer.alloc(length, block.length > 0 ? block : 0);
}

/** A valid safetensors file with one tensor of `dataBytes` bytes. */
export function safetensors(seed: string, dataBytes: number): Buffer {
  const header = Buffer.from(
    JSON.stringify({ [seed]: { dtype: 'U8', shape: [dataBytes], data_offsets: [0, dataBytes] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, bytesOf(seed, dataBytes)]);
}

/** The files of a small but complete model: two shards with their index, configuration, tokenizer, and some to ignore. */
export function modelContents(shardBytes = 300_000): Record<string, Content> {
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const map = Object.fromEntries(shards.map((shard, at) => [`layer.${at}`, shard]));
  const text = (value: string): Content => ({ bytes: Buffer.from(value) });
  return {
    [shards[0]!]: { bytes: safetensors('first', shardBytes) },
    [shards[1]!]: { bytes: safetensors('second', shardBytes) },
    'model.safetensors.index.json': text(JSON.stringify({ metadata: {}, weight_map: map })),
    'consolidated.safetensors': { bytes: safetensors('again', shardBytes) },
    'params.json': text('{}'),
    'config.json': text('{"architectures":["LlamaForCausalLM"]}'),
    'tokenizer.json': text('{"model":{}}'),
    'tokenizer_config.json': text('{"chat_template":"{{ messages }}"}'),
    'additional_chat_templates/tool.jinja': text('{{ tools }}'),
    'README.md': text('# a model'),
    'original/consolidated.00.pth': text('not wanted'),
  };
}
