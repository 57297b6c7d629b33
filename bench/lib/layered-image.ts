import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Stage } from './benchmark.ts';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG = 'application/vnd.docker.container.image.v1+json';
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/** A blob of an image: where it lies, how large it is, and the digest of what is in it. */
interface Blob {
  digest: string;
  size: number;
}
interface Layer extends Blob {
  /** sha256 of the tar in it. */
  diffId: string;
  unpackedBytes: number;
}

/** An image made of the programs and libraries of this machine, as files that a registry would have. */
export interface LayeredImage {
  manifest: string;
  compressedBytes: number;
  unpackedBytes: number;
}

/**
 * Makes an image of about `bytes` unpacked bytes out of files below /usr, in as many layers as there are `shares` (they sum
 * up to 1), each compressed by gzip at its ordinary level. Its blobs are written to `folder` by their digest. Needs pigz.
 */
export async function makeLayeredImage(
  folder: string,
  bytes: number,
  shares: readonly number[],
): Promise<LayeredImage> {
  await mkdir(folder, { recursive: true });
  const files = filesBelow('/usr/lib');
  const layers: Layer[] = [];
  for (const share of shares) layers.push(await makeLayer(folder, files, bytes * share));
  const config = await putBlob(folder, {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Cmd: ['/none'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, ...config },
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER, digest, size })),
  };
  const sum = (value: (layer: Layer) => number) => layers.reduce((total, layer) => total + value(layer), 0);
  return {
    manifest: JSON.stringify(manifest),
    compressedBytes: sum(({ size }) => size),
    unpackedBytes: sum(({ unpackedBytes }) => unpackedBytes),
  };
}

/** A registry with this one image, whose blobs are fetched elsewhere, as with the public ones; returns its `host:port`. */
export async function serveImage(
  stage: Pick<Stage, 'defer'>,
  image: LayeredImage,
  blobs: string,
): Promise<string> {
  const manifestDigest = sha256(image.manifest);
  const server = createServer((request, response) => {
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(request.url ?? '')?.[1];
    if (digest !== undefined) response.writeHead(307, { location: `${blobs}/${digest}` }).end();
    else if (/\/manifests\/[^/]+$/.test(request.url ?? '')) {
      response
        .writeHead(200, { 'content-type': MANIFEST, 'docker-content-digest': manifestDigest })
        .end(request.method === 'HEAD' ? undefined : image.manifest);
    } else response.writeHead(200, { 'docker-distribution-api-version': 'registry/2.0' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stage.defer(async () => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('a listening server has no port');
  return `127.0.0.1:${address.port}`;
}

async function makeLayer(folder: string, files: AsyncGenerator<SizedFile>, bytes: number): Promise<Layer> {
  const names: string[] = [];
  for (let size = 0; size < bytes; ) {
    const next = await files.next();
    if (next.done === true) break;
    names.push(next.value.path);
    size += next.value.size;
  }
  if (names.length === 0)
    throw new Error('there are not enough files below /usr/lib for an image of this size');
  const tar = spawn('tar', ['-c', '--no-recursion', '-P', '--transform', 's,^/,,', '-T', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  tar.stdin.end(names.join('\n'));
  const unpacked = createHash('sha256');
  let unpackedBytes = 0;
  const gzip = spawn('pigz', ['-c'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const packed = createHash('sha256');
  const path = join(folder, 'layer');
  await Promise.all([
    pipeline(
      tar.stdout,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          unpacked.update(chunk);
          unpackedBytes += chunk.length;
          yield chunk;
        }
      },
      gzip.stdin,
    ),
    pipeline(
      gzip.stdout,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          packed.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(path),
    ),
  ]);
  const digest = `sha256:${packed.digest('hex')}`;
  await rename(path, join(folder, digest));
  const { size } = await stat(join(folder, digest));
  return { digest, size, diffId: `sha256:${unpacked.digest('hex')}`, unpackedBytes };
}

async function putBlob(folder: string, content: unknown): Promise<Blob> {
  const text = JSON.stringify(content);
  const digest = sha256(text);
  await writeFile(join(folder, digest), text);
  return { digest, size: Buffer.byteLength(text) };
}

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

interface SizedFile {
  path: string;
  size: number;
}

/** Every ordinary file, in the order of the names. */
async function* filesBelow(folder: string): AsyncGenerator<SizedFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile() && !path.includes('\n')) yield { path, size: (await stat(path)).size };
  }
}
