import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  hasBlob,
  linkIntoSnapshot,
  notWritable,
  prepareCache,
  sweepLeftovers,
  writeRef,
} from '../../../src/model/cache.ts';
import {
  blobPath,
  type CacheLayout,
  cacheLayout,
  linkTarget,
  partialPath,
} from '../../../src/model/cache-layout.ts';
import { findComplete } from '../../../src/model/cached-model.ts';
import type { HubFile } from '../../../src/model/types.ts';
import { modelContents, safetensors } from '../../support/model-files.ts';

const identifier = { id: 'org/name', organisation: 'org', name: 'name' };
const commit = 'c'.repeat(40);
const file: HubFile = {
  path: 'sub/config.json',
  sizeBytes: 4,
  etag: 'e'.repeat(40),
  hash: { algorithm: 'git-sha1', hex: 'e'.repeat(40) },
};

let directory = '';
let layout: CacheLayout;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cache-'));
  layout = cacheLayout(directory, identifier);
});
afterEach(() => rm(directory, { recursive: true }));

describe('writing the cache', () => {
  it('makes links from the snapshot to the blobs, and a ref without newline', async () => {
    await prepareCache(layout, commit);
    await writeFile(blobPath(layout, file), 'blob');
    await linkIntoSnapshot(layout, commit, file);
    await linkIntoSnapshot(layout, commit, file);
    await writeRef(layout, commit);
    const link = join(layout.snapshots, commit, file.path);
    expect(await readlink(link)).toBe(`../../../blobs/${file.etag}`);
    expect(await readFile(link, 'utf8')).toBe('blob');
    expect(await readFile(join(layout.refs, 'main'), 'utf8')).toBe(commit);
    expect(await readdir(layout.refs)).toEqual(['main']);
  });

  it('replaces what stands under the name of a link, and not what the old link led to', async () => {
    await prepareCache(layout, commit);
    const foreign = join(directory, 'foreign');
    await writeFile(foreign, 'precious');
    const link = join(layout.snapshots, commit, file.path);
    await mkdir(dirname(link));
    await symlink(foreign, link);
    await linkIntoSnapshot(layout, commit, file);
    expect(await readlink(link)).toBe(linkTarget(file.path, file.etag));
    expect(await readFile(foreign, 'utf8')).toBe('precious');
  });

  it.each(['hub', 'repository', 'blobs', 'refs', 'snapshots'] as const)(
    'is refused through a link in the place of %s',
    async (place) => {
      const elsewhere = join(directory, 'elsewhere');
      await mkdir(elsewhere);
      await mkdir(dirname(layout[place]), { recursive: true });
      await symlink(elsewhere, layout[place]);
      await expect(prepareCache(layout, commit)).rejects.toMatchObject({
        finding: { code: 'model_cache_not_writable', detail: expect.stringContaining('symbolic link') },
      });
      expect(await readdir(elsewhere)).toEqual([]);
    },
  );

  it('is refused through a link inside a snapshot', async () => {
    await prepareCache(layout, commit);
    await symlink(directory, join(layout.snapshots, commit, 'sub'));
    await expect(linkIntoSnapshot(layout, commit, file)).rejects.toMatchObject({
      finding: { code: 'model_cache_not_writable' },
    });
    expect(await lstat(join(directory, 'config.json')).catch(() => null)).toBeNull();
  });

  it('may have its whole directory behind a link, which the engine follows when it mounts it', async () => {
    const link = join(directory, 'link');
    await mkdir(join(directory, 'other-disk'));
    await symlink(join(directory, 'other-disk'), link);
    await expect(prepareCache(cacheLayout(link, identifier), commit)).resolves.toBeUndefined();
  });

  it('names a full disk and missing rights differently', () => {
    const error = (code: string) => Object.assign(new Error(code), { code });
    expect(notWritable('/x', error('ENOSPC')).finding.code).toBe('disk_full');
    expect(notWritable('/x', error('EDQUOT')).finding.code).toBe('disk_full');
    expect(notWritable('/x', error('EROFS')).finding.code).toBe('model_cache_not_writable');
  });

  it('sweeps partial files of ours that nobody wants any more, and no others', async () => {
    await prepareCache(layout, commit);
    const stale = { etag: 'f'.repeat(64) };
    for (const path of [
      partialPath(layout, stale),
      partialPath(layout, file),
      `${blobPath(layout, stale)}.incomplete`,
      blobPath(layout, stale),
    ]) {
      await writeFile(path, 'x');
    }
    await sweepLeftovers(layout, [file]);
    expect((await readdir(layout.blobs)).sort()).toEqual(
      [partialPath(layout, file), `${blobPath(layout, stale)}.incomplete`, blobPath(layout, stale)]
        .map((path) => path.slice(layout.blobs.length + 1))
        .sort(),
    );
  });

  it('takes a blob of the right size for present', async () => {
    await prepareCache(layout, commit);
    await writeFile(blobPath(layout, file), 'bl');
    expect(await hasBlob(layout, file)).toBe(false);
    await writeFile(blobPath(layout, file), 'blob');
    expect(await hasBlob(layout, file)).toBe(true);
  });
});

describe('a cache that somebody else filled', () => {
  const snapshot = () => join(layout.snapshots, commit);
  const fill = async (change: Record<string, string | Buffer | null> = {}) => {
    await prepareCache(layout, commit);
    const contents = modelContents(1000);
    delete contents['consolidated.safetensors'];
    const bytes: Record<string, string | Buffer | null> = {};
    for (const [path, content] of Object.entries(contents)) {
      if ('bytes' in content) bytes[path] = Buffer.from(content.bytes);
    }
    for (const [path, value] of Object.entries({ ...bytes, ...change })) {
      if (value === null) continue;
      await mkdir(dirname(join(snapshot(), path)), { recursive: true });
      await writeFile(join(snapshot(), path), value);
    }
    await writeRef(layout, commit);
  };
  const shard = 'model-00002-of-00002.safetensors';

  it('is recognised without the hub, plain files or links', async () => {
    await fill({ [shard]: null });
    const bytes = safetensors('second', 1000);
    await writeFile(join(layout.blobs, 'blob'), bytes);
    await symlink('../../blobs/blob', join(snapshot(), shard));
    expect(await findComplete(directory, identifier)).toMatchObject({ commit, files: 8 });
  });

  it.each([
    ['a shard is missing', { [shard]: null }],
    ['a shard is cut off', { [shard]: safetensors('second', 1000).subarray(0, 900) }],
    ['a shard is empty', { [shard]: '' }],
    ['a shard is something else', { [shard]: 'version https://git-lfs.github.com/spec/v1' }],
    ['the configuration is missing', { 'config.json': null }],
    ['the tokenizer is missing', { 'tokenizer.json': null }],
  ])('is not taken for complete when %s', async (_what, change) => {
    await fill(change);
    expect(await findComplete(directory, identifier)).toBeNull();
  });

  it.each(['main', `${commit}\n`, '../../x'])('is not taken for complete with the ref %j', async (ref) => {
    await fill();
    await writeFile(join(layout.refs, 'main'), ref);
    expect(await findComplete(directory, identifier)).toBeNull();
  });

  it('is not taken for complete when a link leads out of the mounted directory', async () => {
    await fill({ 'config.json': null });
    const outside = await mkdtemp(join(tmpdir(), 'outside-'));
    await writeFile(join(outside, 'config.json'), '{}');
    await symlink(join(outside, 'config.json'), join(snapshot(), 'config.json'));
    expect(await findComplete(directory, identifier)).toBeNull();
    await rm(outside, { recursive: true });
  });

  it('that is not there is not complete', async () => {
    expect(await findComplete(join(directory, 'nowhere'), identifier)).toBeNull();
  });
});
