import { createHash } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A commit for a model that has none. */
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** The files of a model that only the stand-in can serve: a config and a few bytes of valid safetensors. */
export function tinyModelFiles(): Record<string, Buffer> {
  const header = Buffer.from(JSON.stringify({ w: { dtype: 'BF16', shape: [4], data_offsets: [0, 8] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const config = {
    architectures: ['LlamaForCausalLM'],
    max_position_embeddings: 2048,
    torch_dtype: 'bfloat16',
  };
  return {
    'config.json': Buffer.from(JSON.stringify(config)),
    'tokenizer.json': Buffer.from('{}'),
    'model.safetensors': Buffer.concat([length, header, Buffer.alloc(8)]),
  };
}

/** Writes such a model into a hub cache (blobs, links, `refs/main`), as huggingface_hub lays it out. */
export async function writeTinyModel(hubDirectory: string, model: string): Promise<void> {
  const repository = join(hubDirectory, `models--${model.replaceAll('/', '--')}`);
  const snapshot = join(repository, 'snapshots', COMMIT);
  for (const folder of [snapshot, join(repository, 'blobs'), join(repository, 'refs')])
    await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(tinyModelFiles())) {
    const etag = createHash('sha256').update(content).digest('hex');
    await writeFile(join(repository, 'blobs', etag), content);
    await symlink(`../../blobs/${etag}`, join(snapshot, name));
  }
  await writeFile(join(repository, 'refs', 'main'), COMMIT);
}
