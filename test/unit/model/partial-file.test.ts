import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheLayout, journalPath, partialPath } from '../../../src/model/cache-layout.ts';
import { keptBytes } from '../../../src/model/download/journal.ts';
import { openPartialFile, resumableBytes } from '../../../src/model/download/partial-file.ts';
import type { HubFile } from '../../../src/model/types.ts';
import { bytesOf } from '../../support/model-files.ts';

const content = bytesOf('content', 40 * 1024 * 1024);
const hex = createHash('sha256').update(content).digest('hex');
const file: HubFile = {
  path: 'weights.bin',
  sizeBytes: content.length,
  etag: hex,
  hash: { algorithm: 'sha256', hex },
};
const alive = new AbortController().signal;

let directory = '';
const layout = () => cacheLayout(directory, { id: 'a/b', organisation: 'a', name: 'b' });
const claimed = async () => {
  const journal = await readFile(journalPath(layout(), file), 'utf8').catch(() => '');
  const size = (await stat(partialPath(layout(), file))).size;
  return { bytes: keptBytes(journal, file, size), size };
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'partial-'));
  await mkdir(layout().blobs, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

describe('a partial file', () => {
  it('gives the hash of everything that was appended', async () => {
    const partial = await openPartialFile(layout(), file, alive);
    await partial.append(content);
    expect(await partial.finish()).toBe(hex);
    await partial.close();
    expect((await readFile(partialPath(layout(), file))).equals(content)).toBe(true);
  });

  it('goes on where it was closed, and the hash covers what was there before', async () => {
    const first = await openPartialFile(layout(), file, alive);
    await first.append(content.subarray(0, 3_000_001));
    await first.close();
    expect(await resumableBytes(layout(), file)).toBe(3_000_001);
    const second = await openPartialFile(layout(), file, alive);
    expect(second.position).toBe(3_000_001);
    await second.append(content.subarray(3_000_001));
    expect(await second.finish()).toBe(hex);
    await second.close();
  });

  it('has a journal that never claims more than is on disk, and less than one part of 16 MiB behind', async () => {
    const partial = await openPartialFile(layout(), file, alive);
    let claimedBefore = 0;
    for (let at = 0; at < content.length; at += 1024 * 1024) {
      await partial.append(content.subarray(at, at + 1024 * 1024));
      const { bytes, size } = await claimed();
      expect(bytes).toBeLessThanOrEqual(size);
      expect(partial.position - bytes).toBeLessThan(16 * 1024 * 1024);
      if (bytes === claimedBefore) continue;
      claimedBefore = bytes;
      const onDisk = await readFile(partialPath(layout(), file));
      expect(onDisk.subarray(0, bytes).equals(content.subarray(0, bytes))).toBe(true);
    }
    expect(claimedBefore).toBeGreaterThan(0);
    await partial.close();
  });

  it('cuts off what the journal does not claim', async () => {
    await writeFile(partialPath(layout(), file), content.subarray(0, 5000));
    const partial = await openPartialFile(layout(), file, alive);
    expect(partial.position).toBe(0);
    await partial.close();
    expect((await stat(partialPath(layout(), file))).size).toBe(0);
  });

  it('does not believe a journal that claims more than the file has', async () => {
    const first = await openPartialFile(layout(), file, alive);
    await first.append(content.subarray(0, 2_000_000));
    await first.close();
    await truncate(partialPath(layout(), file), 1_000_000);
    expect(await resumableBytes(layout(), file)).toBe(0);
  });

  it('is not written through a link', async () => {
    const foreign = join(directory, 'foreign');
    await writeFile(foreign, 'precious');
    await symlink(foreign, partialPath(layout(), file));
    await expect(openPartialFile(layout(), file, alive)).rejects.toMatchObject({ code: 'ELOOP' });
    expect(await readFile(foreign, 'utf8')).toBe('precious');
  });
});

describe('a journal', () => {
  const good = { version: 1, etag: hex, sizeBytes: file.sizeBytes, syncedBytes: 100 };

  it('keeps what it claims when it fits the file', () => {
    expect(keptBytes(JSON.stringify(good), file, 100)).toBe(100);
  });

  it.each([
    { version: 2 },
    { etag: 'other' },
    { sizeBytes: 1 },
    { syncedBytes: -1 },
    { syncedBytes: 101 },
    { syncedBytes: 1.5 },
    { syncedBytes: '100' },
  ])('keeps nothing when it has %j', (part) => {
    expect(keptBytes(JSON.stringify({ ...good, ...part }), file, 100)).toBe(0);
  });

  it('keeps nothing of a damaged text, and never more than is on disk', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.nat(), (text, onDisk) => {
        expect(keptBytes(text, file, onDisk)).toBeLessThanOrEqual(onDisk);
      }),
    );
  });
});
