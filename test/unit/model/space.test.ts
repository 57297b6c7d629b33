import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSpace } from '../../../src/model/space.ts';
import type { SpaceClaim } from '../../../src/model/surroundings.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'space-'));
});
afterEach(() => rm(directory, { recursive: true }));

const check = (free: number, need: number, claims: SpaceClaim[] = []) =>
  checkSpace(
    { freeBytes: async () => free, reserveBytes: 5e9, claims },
    join(directory, 'not/yet/there'),
    need,
  );

describe('the space for a model', () => {
  it('is enough when the model and the reserve fit', async () => {
    expect(await check(20e9, 15e9)).toBeNull();
  });

  it('is too small by what is missing, in a directory that is not there yet', async () => {
    const finding = await check(10e9, 15e9);
    expect(finding).toMatchObject({ code: 'disk_too_small' });
    expect(finding?.detail).toContain(
      'have 10.0 GB free, need 20.0 GB (15.0 GB of the model and 5.0 GB in reserve)',
    );
    expect(finding?.remedy).toContain('Free 10.0 GB');
  });

  it('counts images that are still to come to the same file system', async () => {
    const image = { directory, bytes: 30e9, what: 'the image acme/api' };
    expect((await check(20e9, 15e9, [image]))?.detail).toContain('30.0 GB of the image acme/api');
    expect(await check(60e9, 15e9, [image])).toBeNull();
  });

  it('does not count what goes to another file system', async () => {
    const image = { directory: '/proc', bytes: 30e9, what: 'the image acme/api' };
    expect(await check(20e9, 15e9, [image])).toBeNull();
  });

  it('does not matter to a model that is all there', async () => {
    expect(await check(0, 0)).toBeNull();
  });
});
