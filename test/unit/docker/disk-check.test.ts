import { expect, it } from 'vitest';
import { checkDisk, DISK_RESERVE_BYTES } from '../../../src/docker/disk-check.ts';

const GB = 1e9;

it('lets an image pass that just fits beside the reserve', () => {
  expect(checkDisk('/d', 30 * GB + DISK_RESERVE_BYTES, 30 * GB, [])).toBeNull();
});

it('names what there is and what is needed when it does not fit', () => {
  const finding = checkDisk('/var/lib/docker', 12 * GB, 30 * GB, []);
  expect(finding).toEqual({
    code: 'disk_too_small',
    detail: '/var/lib/docker has 12.0 GB free and needs 35.4 GB: 30.0 GB for the image, 5.4 GB in reserve',
  });
});

it('leaves room for what other pulls still need', () => {
  const running = [{ requiredBytes: 30 * GB, doneShare: 0.5 }];
  const enough = 6 * GB + 15 * GB + DISK_RESERVE_BYTES;
  expect(checkDisk('/d', enough, 6 * GB, running)).toBeNull();
  expect(checkDisk('/d', enough - 1, 6 * GB, running)?.detail).toContain('15.0 GB for other pulls');
});
