import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Files from this size on are kept as large files (LFS), like the public hub does with everything above 10 MB. */
const LARGE_FILE_BYTES = 1024 * 1024;
/** Endings that are large files whatever their size, as in the default .gitattributes of the public hub. */
const LARGE_FILE_ENDINGS = /\.(safetensors|bin|pt|pth|gguf|onnx|h5|msgpack|model)$/;

/** Where the bytes of a file come from: a file on disk, or bytes in memory. */
export type Content = { file: string } | { bytes: Uint8Array };

/** One file of a repository. */
export interface StoredFile {
  path: string;
  size: number;
  /** git's sha1 of the blob (of the pointer file for large ones). */
  oid: string;
  /** Present for large files. */
  sha256: string | null;
  content: Content;
}

/** One model of the hub, with one commit on `main`. */
export interface Repository {
  id: string;
  commit: string;
  files: StoredFile[];
}

/** Reads a folder as a repository; hashes every file once. Hidden files and folders are left out; links are followed. */
export async function repositoryFromFolder(id: string, folder: string): Promise<Repository> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const contents: Record<string, Content> = {};
  for (const entry of found) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    const hidden = name.split('/').some((segment) => segment.startsWith('.'));
    if (!hidden && (await stat(path)).isFile()) contents[name] = { file: path };
  }
  return repositoryFrom(id, contents);
}

/** Makes a repository of contents by path. The commit is a hash of everything in it. */
export async function repositoryFrom(id: string, contents: Record<string, Content>): Promise<Repository> {
  const files: StoredFile[] = [];
  for (const path of Object.keys(contents).sort()) {
    const content = contents[path];
    if (content !== undefined) files.push(await store(path, content));
  }
  const commit = createHash('sha1')
    .update(id)
    .update(files.map((file) => `\n${file.path} ${file.oid}`).join(''))
    .digest('hex');
  return { id, commit, files };
}

/** Reads `[from, to)` of a file in pieces. */
export async function* readContent(
  content: Content,
  from: number,
  to: number,
  piece: number,
): AsyncGenerator<Uint8Array> {
  if ('bytes' in content) {
    for (let at = from; at < to; at += piece) yield content.bytes.subarray(at, Math.min(at + piece, to));
    return;
  }
  const handle = await open(content.file, 'r');
  try {
    for (let at = from; at < to; ) {
      const buffer = Buffer.alloc(Math.min(piece, to - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function store(path: string, content: Content): Promise<StoredFile> {
  const size = 'bytes' in content ? content.bytes.length : (await stat(content.file)).size;
  const large = size >= LARGE_FILE_BYTES || LARGE_FILE_ENDINGS.test(path);
  const sha256 = createHash('sha256');
  const sha1 = createHash('sha1').update(`blob ${size}\0`);
  const pieces = 'bytes' in content ? [content.bytes] : createReadStream(content.file);
  for await (const piece of pieces) {
    sha256.update(piece);
    sha1.update(piece);
  }
  if (!large) return { path, size, oid: sha1.digest('hex'), sha256: null, content };
  const hex = sha256.digest('hex');
  return { path, size, oid: gitBlob(pointer(hex, size)), sha256: hex, content };
}

/** The text that git keeps in the place of a large file. */
export function pointer(sha256: string, size: number): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${size}\n`;
}

function gitBlob(text: string): string {
  return createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest('hex');
}
