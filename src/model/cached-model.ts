import { lstat, open, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { type CacheLayout, cacheLayout } from './cache-layout.ts';
import { readMistralParams, readModelConfig } from './model-config.ts';
import { configPath, hasChatTemplate, type ModelFacts } from './model-facts.ts';
import { isCommit, isRevision } from './names.ts';
import { indexesToRead, readIndex, type Selection, selectFiles } from './select-files.ts';
import type { ModelIdentifier } from './types.ts';

/** A cache that can be served without the network. */
export interface CachedModel {
  /** 40 hex. */
  commit: string;
  /** Bytes of all files of the snapshot that are used. */
  bytes: number;
  /** Number of those files. */
  files: number;
  /** What the model says of itself. */
  facts: ModelFacts;
}

/** Deepest folder of a snapshot that is looked into. */
const MAXIMUM_DEPTH = 8;
/** Largest configuration of a model or a tokenizer that is read. */
const MAXIMUM_CONFIG_BYTES = 16 * 1024 * 1024;
/** Largest index that is read. */
const MAXIMUM_INDEX_BYTES = 64 * 1024 * 1024;
/** Largest header of a safetensors file; the format's own limit. */
const MAXIMUM_HEADER_BYTES = 100_000_000;

/** Any one of these is a tokenizer; a snapshot without one was left unfinished by whoever filled it. */
const TOKENIZER =
  /^(tokenizer\.(json|model)(\.v\d+)?|tekken\.json|vocab\.(json|txt)|spiece\.model|.*\.tiktoken|tokenization_.*\.py)$/;

/**
 * Looks for a complete model in a hub cache, whoever filled it and without asking the hub: the ref of a revision (or the
 * revision itself, where it is a commit) names a snapshot that holds a configuration, a tokenizer and one whole weight set whose files have the size that they
 * themselves announce. Null when anything is missing or cannot be read. Links that lead out of the mounted directory
 * count as missing: the container could not follow them.
 */
export async function findComplete(
  directory: string,
  identifier: ModelIdentifier,
  revision = 'main',
): Promise<CachedModel | null> {
  const layout = cacheLayout(directory, identifier);
  try {
    const commit = await cachedCommit(layout, revision);
    if (commit === null) return null;
    const snapshot = join(layout.snapshots, commit);
    const root = await realpath(directory);
    const sizes = await listSnapshot(snapshot, root);
    const selection = await select(snapshot, [...sizes.keys()]);
    if (selection === null || !isUsable(selection)) return null;
    for (const weight of selection.set.weights) {
      const size = sizes.get(weight) ?? 0;
      if (size === 0) return null;
      if (weight.endsWith('.safetensors') && (await announcedSize(join(snapshot, weight))) !== size)
        return null;
    }
    const bytes = selection.paths.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0);
    const facts = await readFacts(snapshot, selection, sizes);
    return { commit, bytes, files: selection.paths.length, facts };
  } catch {
    return null;
  }
}

/** The commit that a cache has for a revision; null without one. */
export async function cachedCommit(layout: CacheLayout, revision: string): Promise<string | null> {
  if (isCommit(revision)) return revision;
  if (!isRevision(revision)) return null;
  const commit = await readFile(join(layout.refs, revision), 'utf8').catch(() => null);
  return isCommit(commit) ? commit : null;
}

async function readFacts(
  snapshot: string,
  { set, paths }: Selection,
  sizes: ReadonlyMap<string, number>,
): Promise<ModelFacts> {
  const read = async (path: string | null): Promise<string | null> =>
    path === null || (sizes.get(path) ?? MAXIMUM_CONFIG_BYTES + 1) > MAXIMUM_CONFIG_BYTES
      ? null
      : readFile(join(snapshot, path), 'utf8');
  const path = configPath(paths, set.kind === 'consolidated');
  const text = await read(path);
  const config =
    text === null ? null : path === 'params.json' ? readMistralParams(text) : readModelConfig(text);
  return {
    config,
    fileBytes: set.weights.reduce((sum, weight) => sum + (sizes.get(weight) ?? 0), 0),
    parameters: null,
    chatTemplate: hasChatTemplate(paths, await read('tokenizer_config.json'), config),
  };
}

function isUsable(selection: Selection): boolean {
  const { paths, set } = selection;
  const configured = paths.includes('config.json') || (set.kind === 'consolidated' && hasParams(paths));
  return configured && paths.some((path) => TOKENIZER.test(path));
}

function hasParams(paths: readonly string[]): boolean {
  return paths.includes('params.json');
}

async function select(snapshot: string, paths: string[]): Promise<Selection | null> {
  const indexes = new Map<string, readonly string[]>();
  for (const path of indexesToRead(paths)) {
    const file = join(snapshot, path);
    if ((await stat(file)).size > MAXIMUM_INDEX_BYTES) continue;
    const names = readIndex(await readFile(file, 'utf8'));
    if (names !== null) indexes.set(path, names);
  }
  const selection = selectFiles(paths, indexes);
  // An index that names files which are not there is an unfinished set, not a reason to take another file for it.
  const unfinished = [...indexes.values()].some((names) => names.some((name) => !paths.includes(name)));
  return unfinished && selection?.set.index === null && selection.set.kind !== 'consolidated'
    ? null
    : selection;
}

/** Paths and sizes of the files in a snapshot, links followed as long as they stay below `root`. */
async function listSnapshot(snapshot: string, root: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const walk = async (folder: string, prefix: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (depth < MAXIMUM_DEPTH) await walk(path, `${prefix}${entry.name}/`, depth + 1);
      } else if (await isReadableInside(path, root)) {
        sizes.set(`${prefix}${entry.name}`, (await stat(path)).size);
      }
    }
  };
  await walk(snapshot, '', 0);
  return sizes;
}

async function isReadableInside(path: string, root: string): Promise<boolean> {
  if ((await lstat(path)).isSymbolicLink() && isAbsolute(await readlink(path))) return false;
  const real = await realpath(path).catch(() => null);
  return real?.startsWith(root + sep) === true && (await stat(real)).isFile();
}

/**
 * The size a safetensors file must have by its own header (8 bytes length, little-endian; JSON; data), or null when
 * the header is not one. Layout: the safetensors format's description.
 */
async function announcedSize(path: string): Promise<number | null> {
  const file = await open(path, 'r');
  try {
    const prefix = Buffer.alloc(8);
    if ((await file.read(prefix, 0, 8, 0)).bytesRead !== 8) return null;
    const length = Number(prefix.readBigUInt64LE());
    if (length > MAXIMUM_HEADER_BYTES) return null;
    const header = Buffer.alloc(length);
    if ((await file.read(header, 0, length, 8)).bytesRead !== length) return null;
    const tensors: unknown = JSON.parse(header.toString('utf8'));
    if (typeof tensors !== 'object' || tensors === null) return null;
    let end = 0;
    for (const tensor of Object.values(tensors)) {
      const offsets: unknown = tensor?.data_offsets;
      if (Array.isArray(offsets) && typeof offsets[1] === 'number') end = Math.max(end, offsets[1]);
    }
    return 8 + length + end;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}
