import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CacheLayout, cacheLayout } from '../../../src/model/cache-layout.ts';
import { lockedInodes, sweepForeignLeftovers, sweepOtherModels } from '../../../src/model/leftovers.ts';

const ETAG = 'a'.repeat(64);
const identifier = { id: 'org/name', organisation: 'org', name: 'name' };

let directory = '';
let layout: CacheLayout;
let lock = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leftovers-'));
  layout = cacheLayout(directory, identifier);
  lock = join(layout.hub, '.locks/models--org--name', `${ETAG}.lock`);
  await mkdir(layout.blobs, { recursive: true });
  await mkdir(join(lock, '..'), { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

const put = (...names: string[]) =>
  Promise.all(names.map((name) => writeFile(join(layout.blobs, name), 'x'.repeat(8192))));

describe('what other clients left behind', () => {
  it('is removed when nobody holds its lock, in both forms, and nothing else', async () => {
    const kept = [ETAG, `${ETAG}.ai-sandbox.incomplete`, 'notes.incomplete'];
    await put(`${ETAG}.incomplete`, `${ETAG}.0123abcd.incomplete`, ...kept);
    await writeFile(lock, '');
    expect(await sweepForeignLeftovers(layout, await lockedInodes())).toBeGreaterThanOrEqual(2 * 8192);
    expect((await readdir(layout.blobs)).sort()).toEqual([...kept].sort());
  });

  it('stays while a client holds the lock of the file', async () => {
    await put(`${ETAG}.incomplete`);
    await writeFile(lock, '');
    const holder = spawn('flock', [lock, 'sh', '-c', 'echo held; cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    try {
      await once(holder.stdout, 'data');
      await sweepForeignLeftovers(layout, await lockedInodes());
      expect(await readdir(layout.blobs)).toEqual([`${ETAG}.incomplete`]);
    } finally {
      holder.stdin.end();
      await once(holder, 'exit');
    }
    await sweepForeignLeftovers(layout, await lockedInodes());
    expect(await readdir(layout.blobs)).toEqual([]);
  });

  it('stays under a lock that holds by being there', async () => {
    await put(`${ETAG}.incomplete`);
    await writeFile(lock, '4711\nhost\n');
    await sweepForeignLeftovers(layout, new Set());
    expect(await readdir(layout.blobs)).toHaveLength(1);
  });

  it('stays where locks cannot be seen', async () => {
    await put(`${ETAG}.incomplete`);
    await sweepForeignLeftovers(layout, await lockedInodes('/nonexistent/locks'));
    expect(await readdir(layout.blobs)).toHaveLength(1);
  });
});

describe('what we left of other models', () => {
  it('is removed, and nothing of the wanted one or of anybody else', async () => {
    const other = cacheLayout(directory, { id: 'a/b', organisation: 'a', name: 'b' });
    await mkdir(other.blobs, { recursive: true });
    for (const name of [`${ETAG}.ai-sandbox.incomplete`, `${ETAG}.incomplete`, ETAG]) {
      await writeFile(join(other.blobs, name), 'x');
    }
    await put(`${ETAG}.ai-sandbox.incomplete`);
    await sweepOtherModels(layout);
    expect((await readdir(other.blobs)).sort()).toEqual([ETAG, `${ETAG}.incomplete`].sort());
    expect(await readdir(layout.blobs)).toHaveLength(1);
  });
});
