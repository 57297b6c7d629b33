import { expect, it } from 'vitest';
import { checkDisk, DISK_RESERVE_BYTES } from '../../../src/docker/disk-check.ts';

const GB = 1e9;

it('lets an image pass that just fits beside the reserve', () => {
  const needs = { directory: '/d', requiredBytes: 30 * GB, running: [] };
  expect(checkDisk({ ...needs, freeBytes: 30 * GB + DISK_RESERVE_BYTES })).toBeNull();
});

it('names what there is and what is needed when it does not fit', () => {
  const needs = { directory: '/var/lib/docker', requiredBytes: 30 * GB, running: [] };
  expect(checkDisk({ ...needs, freeBytes: 12 * GB })).toEqual({
    code: 'disk_too_small',
    detail: '/var/lib/docker has 12.0 GB free and needs 35.4 GB: 30.0 GB for the image, 5.4 GB in reserve',
  });
});

it('leaves room for what other pulls still need', () => {
  const running = [{ requiredBytes: 30 * GB, doneShare: 0.5 }];
  const needs = { directory: '/d', requiredBytes: 6 * GB, running };
  const enough = 6 * GB + 15 * GB + DISK_RESERVE_BYTES;
  expect(checkDisk({ ...needs, freeBytes: enough })).toBeNull();
  expect(checkDisk({ ...needs, freeBytes: enough - 1 })?.detail).toContain('15.0 GB for other pulls');
});

it('leaves room for the rest of a model that is being downloaded', () => {
  const needs = { directory: '/d', requiredBytes: 6 * GB, running: [], claimedBytes: 9 * GB };
  const enough = 6 * GB + 9 * GB + DISK_RESERVE_BYTES;
  expect(checkDisk({ ...needs, freeBytes: enough })).toBeNull();
  expect(checkDisk({ ...needs, freeBytes: enough - 1 })?.detail).toContain(
    '9.0 GB for the model that is being downloaded',
  );
});
