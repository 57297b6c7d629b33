import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What vLLM finds on disk for a model. */
export interface CachedModel {
  /** Directory that replaces the id in the log. */
  path: string;
  /** Bytes of its weight files. */
  weightBytes: number;
  shards: number;
  /** `max_position_embeddings` of its config.json, or null. */
  maxPositionEmbeddings: number | null;
  architecture: string;
}

/** A cache that vLLM could not start from, with the last line of its traceback. */
export class CacheError extends Error {
  /** Where vLLM notices: before its engine starts, or while the engine loads the weights. */
  readonly stage: 'api' | 'engine';
  constructor(stage: 'api' | 'engine', message: string) {
    super(message);
    this.stage = stage;
  }
}

const WEIGHTS = /\.(?:safetensors|bin|pt)$/;
const SAFETENSORS_LENGTH_BYTES = 8;

/** Directory of a repository in a hub cache: `<hub>/models--org--name`. */
function repositoryDirectory(hubDirectory: string, model: string): string {
  return join(hubDirectory, `models--${model.replaceAll('/', '--')}`);
}

/**
 * Finds a model in the hub cache the way `HF_HUB_OFFLINE=1` does: `refs/main` names the commit (40 hex, no newline),
 * `snapshots/<commit>` has the files. A model that is a directory is taken as it is. Throws {@link CacheError} in the
 * words of huggingface_hub, transformers, safetensors and vLLM.
 */
export function findModel(hubDirectory: string, model: string, revision = 'main'): CachedModel {
  const path = model.startsWith('/') ? model : snapshotPath(hubDirectory, model, revision);
  const configFile = join(path, 'config.json');
  if (!existsSync(configFile)) {
    throw new CacheError(
      'api',
      `OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.\nCheck your internet connection or see how to run the library in offline mode at 'https://huggingface.co/docs/transformers/installation#offline-mode'. (${model} has no config.json)`,
    );
  }
  const config = JSON.parse(readFileSync(configFile, 'utf8')) as Record<string, unknown>;
  const files = readdirSync(path).filter((name) => WEIGHTS.test(name));
  const limit = config['max_position_embeddings'];
  const architectures = config['architectures'];
  return {
    path,
    weightBytes: files.reduce((sum, name) => sum + sizeOf(join(path, name)), 0),
    shards: files.length,
    maxPositionEmbeddings: typeof limit === 'number' ? limit : null,
    architecture: Array.isArray(architectures) ? String(architectures[0]) : 'LlamaForCausalLM',
  };
}

function snapshotPath(hubDirectory: string, model: string, revision: string): string {
  const repository = repositoryDirectory(hubDirectory, model);
  const reference = join(repository, 'refs', revision);
  const commit = existsSync(reference) ? readFileSync(reference, 'utf8') : revision;
  const path = join(repository, 'snapshots', commit);
  if (!/^[0-9a-f]{40}$/.test(commit) || !existsSync(path)) {
    throw new CacheError(
      'api',
      "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the specified revision on the local disk and outgoing traffic has been disabled. To enable repo look-ups and downloads online, pass 'local_files_only=False' as input.",
    );
  }
  return path;
}

/** Bytes of a file behind its link; 0 where the link dangles. */
function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** Opens every weight file as the loader does; throws {@link CacheError} on a missing or broken one. */
export function checkWeights(path: string, model: string): void {
  const files = readdirSync(path).filter((name) => WEIGHTS.test(name));
  if (files.length === 0) {
    throw new CacheError('engine', `RuntimeError: Cannot find any model weights with \`${model}\``);
  }
  for (const name of files) {
    const file = join(path, name);
    if (!existsSync(file)) {
      throw new CacheError('engine', `FileNotFoundError: No such file or directory: "${file}"`);
    }
    if (name.endsWith('.safetensors')) checkHeader(file);
  }
}

/** The header of a safetensors file: its length in 8 bytes, then that many bytes of JSON. */
function checkHeader(file: string): void {
  const size = statSync(file).size;
  const descriptor = openSync(file, 'r');
  try {
    const length = Buffer.alloc(SAFETENSORS_LENGTH_BYTES);
    if (readSync(descriptor, length, 0, SAFETENSORS_LENGTH_BYTES, 0) < SAFETENSORS_LENGTH_BYTES) {
      throw new CacheError(
        'engine',
        'safetensors_rust.SafetensorError: Error while deserializing header: header too small',
      );
    }
    const headerBytes = Number(length.readBigUInt64LE());
    if (headerBytes > 100_000_000) {
      throw new CacheError(
        'engine',
        'safetensors_rust.SafetensorError: Error while deserializing header: header too large',
      );
    }
    const header = Buffer.alloc(Math.min(headerBytes, size));
    readSync(descriptor, header, 0, header.length, SAFETENSORS_LENGTH_BYTES);
    const end = lastOffset(header.toString('utf8'));
    if (end === null) {
      throw new CacheError(
        'engine',
        'safetensors_rust.SafetensorError: Error while deserializing header: invalid JSON in header',
      );
    }
    if (SAFETENSORS_LENGTH_BYTES + headerBytes + end !== size) {
      throw new CacheError(
        'engine',
        'safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered',
      );
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Where the last tensor of a header ends, in bytes after the header; null where the header is no JSON object. */
function lastOffset(header: string): number | null {
  try {
    const tensors = JSON.parse(header) as Record<string, { data_offsets?: [number, number] }>;
    return Object.values(tensors).reduce((end, tensor) => Math.max(end, tensor.data_offsets?.[1] ?? 0), 0);
  } catch {
    return null;
  }
}
