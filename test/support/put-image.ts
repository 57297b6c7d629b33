import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PrivateEngine } from './engine-process.ts';
import type { Registry } from './registry.ts';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG = 'application/vnd.docker.container.image.v1+json';
/** A layer that is not compressed: compressing gigabytes, as a push does, takes minutes. */
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar';

/** What `docker save` says of the one image in it. */
interface SavedImage {
  Config: string;
  Layers: string[];
}

/** A blob as a manifest names it. */
interface Descriptor {
  mediaType: string;
  size: number;
  digest: string;
}

/** Puts an image of an engine into a registry, its layers as they are; the name under which it can be pulled. */
export async function putImage(
  engine: Pick<PrivateEngine, 'dockerHost'>,
  registry: Pick<Registry, 'host'>,
  image: string,
  name: string,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'put-image-'));
  try {
    await unpack(engine, image, folder);
    const [saved] = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as SavedImage[];
    if (saved === undefined) throw new Error(`docker save says nothing of ${image}`);
    const repository = `http://${registry.host}/v2/${name}`;
    const put = (path: string, mediaType: string) => putBlob(repository, join(folder, path), mediaType);
    const config = await put(saved.Config, CONFIG);
    const layers: Descriptor[] = [];
    for (const layer of saved.Layers) layers.push(await put(layer, LAYER));
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
    const answer = await fetch(`${repository}/manifests/latest`, {
      method: 'PUT',
      headers: { 'content-type': MANIFEST },
      body: JSON.stringify(manifest),
    });
    if (answer.status !== 201) throw new Error(`the manifest of ${image}: ${await answer.text()}`);
    return `${registry.host}/${name}:latest`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `docker save` into a folder, without a copy in between. */
async function unpack(
  engine: Pick<PrivateEngine, 'dockerHost'>,
  image: string,
  folder: string,
): Promise<void> {
  const env = { ...process.env, DOCKER_HOST: engine.dockerHost };
  const command = 'set -o pipefail; docker save "$1" | tar -x -C "$2"';
  const child = spawn('bash', ['-c', command, 'unpack', image, folder], { env, stdio: 'inherit' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`docker save ${image} ended with code ${code}`);
}

async function putBlob(repository: string, path: string, mediaType: string): Promise<Descriptor> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const digest = `sha256:${hash.digest('hex')}`;
  const { size } = await stat(path);
  const begun = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' });
  const address = new URL(begun.headers.get('location') ?? '', repository);
  address.searchParams.set('digest', digest);
  const stored = await fetch(address, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: Readable.toWeb(createReadStream(path)),
    duplex: 'half',
  });
  if (stored.status !== 201) throw new Error(`${path}: ${stored.status} ${await stored.text()}`);
  return { mediaType, size, digest };
}
