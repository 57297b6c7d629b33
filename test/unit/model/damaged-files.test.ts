import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { deleteDamagedFiles } from '../../../src/model/damaged-files.ts';

const COMMIT = 'a'.repeat(40);
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

type Content = { bytes: string; hash?: 'sha256' | 'sha1'; damaged?: boolean; plain?: boolean };

/** A hub cache with one model; a damaged file has other bytes than its blob's name says. */
async function cache(files: Record<string, Content>, ref = 'main'): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'damaged-'));
  folders.push(directory);
  const repository = join(directory, 'hub/models--org--name');
  const snapshot = join(repository, 'snapshots', COMMIT);
  await mkdir(dirname(join(repository, 'refs', ref)), { recursive: true });
  await mkdir(join(repository, 'blobs'));
  await writeFile(join(repository, 'refs', ref), COMMIT);
  for (const [path, { bytes, hash = 'sha256', damaged = false, plain = false }] of Object.entries(files)) {
    await mkdir(dirname(join(snapshot, path)), { recursive: true });
    const name =
      hash === 'sha256'
        ? createHash('sha256').update(bytes).digest('hex')
        : createHash('sha1').update(`blob ${bytes.length}\0${bytes}`).digest('hex');
    const content = damaged ? `${bytes}!` : bytes;
    if (plain) {
      await writeFile(join(snapshot, path), content);
      continue;
    }
    await writeFile(join(repository, 'blobs', name), content);
    await symlink(`${'../'.repeat(path.split('/').length + 1)}blobs/${name}`, join(snapshot, path));
  }
  return directory;
}
const remaining = (directory: string) => readdir(join(directory, 'hub/models--org--name/snapshots', COMMIT));
const blobs = (directory: string) => readdir(join(directory, 'hub/models--org--name/blobs'));
const check = (directory: string, revision = 'main') =>
  deleteDamagedFiles(directory, 'org/name', revision, new AbortController().signal);

describe('damaged files of a model', () => {
  test('are deleted with their blobs, intact ones stay', async () => {
    const directory = await cache({
      'a.safetensors': { bytes: 'weights a' },
      'b.safetensors': { bytes: 'weights b', damaged: true },
      'config.json': { bytes: '{}', hash: 'sha1' },
      'tokenizer.json': { bytes: '[]', hash: 'sha1', damaged: true },
    });
    expect((await check(directory)).toSorted()).toEqual(['b.safetensors', 'tokenizer.json']);
    expect((await remaining(directory)).toSorted()).toEqual(['a.safetensors', 'config.json']);
    expect(await blobs(directory)).toHaveLength(2);
  });

  test('in folders of the snapshot are found too', async () => {
    const directory = await cache({ 'part/a.safetensors': { bytes: 'weights', damaged: true } });
    expect(await check(directory)).toEqual(['part/a.safetensors']);
  });

  test.each(['release', 'refs/pr/1', COMMIT])(
    'of the revision %s are found where nothing is on main',
    async (revision) => {
      const directory = await cache({ 'a.safetensors': { bytes: 'weights', damaged: true } }, revision);
      expect(await check(directory, revision)).toEqual(['a.safetensors']);
      expect(await check(directory)).toEqual([]);
    },
  );

  test('that are no links have no name to be checked against: they are left alone', async () => {
    const directory = await cache({ 'a.safetensors': { bytes: 'weights', damaged: true, plain: true } });
    expect(await check(directory)).toEqual([]);
    expect(await remaining(directory)).toEqual(['a.safetensors']);
  });

  test('of a model whose id is none are not looked for', async () => {
    const directory = await cache({});
    expect(await deleteDamagedFiles(directory, '../name', 'main', new AbortController().signal)).toEqual([]);
  });

  test('are not read on when the daemon ends', async () => {
    const directory = await cache({ 'a.safetensors': { bytes: 'weights', damaged: true } });
    await expect(deleteDamagedFiles(directory, 'org/name', 'main', AbortSignal.abort())).rejects.toThrow();
    expect(await remaining(directory)).toEqual(['a.safetensors']);
  });
});
