import { mkdir, mkdtemp, open, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheLayout, journalPath, partialPath } from '../../../../src/model/cache-layout.ts';
import { bytesToAllocate, openPartDisk } from '../../../../src/model/download/part-disk.ts';
import { createPartialFile } from '../../../../src/model/download/partial-file.ts';
import type { HubFile } from '../../../../src/model/types.ts';
import { bytesOf } from '../../../support/model-files.ts';

const content = bytesOf('content', 3 * 1024 * 1024);
const hex = 'a'.repeat(64);
const file: HubFile = {
  path: 'weights.bin',
  sizeBytes: content.length,
  etag: hex,
  hash: { algorithm: 'sha256', hex },
};

let directory = '';
const layout = () => cacheLayout(directory, { id: 'a/b', organisation: 'a', name: 'b' });
const openPartial = async () => {
  const { disk, claims } = await openPartDisk(layout(), file);
  return createPartialFile(disk, claims);
};
const writePart = async (from: number, to: number) => {
  const partial = await openPartial();
  await partial.write([content.subarray(from, to)], from);
  await partial.close();
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'part-disk-'));
  await mkdir(layout().blobs, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

describe('a partial file on a disk', () => {
  it('has its full length from the start and takes space only as bytes come', async () => {
    await writePart(1024 * 1024, 2 * 1024 * 1024);
    const { size } = await stat(partialPath(layout(), file));
    expect(size).toBe(content.length);
    expect(await bytesToAllocate(layout(), file)).toBeCloseTo(2 * 1024 * 1024, -5);
  });

  it('has what was written at its place, and goes on where it was closed', async () => {
    await writePart(1_000_000, 2_000_001);
    const partial = await openPartial();
    expect(partial.present).toEqual([{ from: 1_000_000, to: 2_000_001 }]);
    await partial.write([content.subarray(0, 500_000), content.subarray(500_000, 1_000_000)], 0);
    await partial.write([content.subarray(2_000_001)], 2_000_001);
    await partial.close();
    expect((await readFile(partialPath(layout(), file))).equals(content)).toBe(true);
  });

  it('forgets what no journal claims', async () => {
    await writePart(0, 5000);
    await rm(journalPath(layout(), file));
    const partial = await openPartial();
    expect(partial.present).toEqual([]);
    await partial.close();
    expect(await bytesToAllocate(layout(), file)).toBe(content.length);
  });

  it('does not believe a journal beside a file of another length', async () => {
    await writePart(0, 2_000_000);
    await truncate(partialPath(layout(), file), 1_000_000);
    const partial = await openPartial();
    expect(partial.present).toEqual([]);
    await partial.close();
  });

  it('goes on with the whole lines of a journal that was torn', async () => {
    await writePart(0, 1_000_000);
    const journal = await open(journalPath(layout(), file), 'a');
    await journal.writeFile('1000000 20000');
    await journal.close();
    const partial = await openPartial();
    expect(partial.present).toEqual([{ from: 0, to: 1_000_000 }]);
    await partial.write([content.subarray(1_500_000, 1_600_000)], 1_500_000);
    await partial.close();
    const again = await openPartial();
    expect(again.present).toEqual([
      { from: 0, to: 1_000_000 },
      { from: 1_500_000, to: 1_600_000 },
    ]);
    await again.close();
  });

  it('is not written through a link', async () => {
    const foreign = join(directory, 'foreign');
    await writeFile(foreign, 'precious');
    await symlink(foreign, partialPath(layout(), file));
    await expect(openPartDisk(layout(), file)).rejects.toMatchObject({ code: 'ELOOP' });
    expect(await readFile(foreign, 'utf8')).toBe('precious');
  });
});
