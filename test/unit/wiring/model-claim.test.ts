import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ModelSnapshot } from '../../../src/model/types.ts';
import { createModelClaim } from '../../../src/wiring/model-claim.ts';

const here = join(tmpdir(), 'not-there-yet', 'hub');

function claimOf(
  downloadStatus: ModelSnapshot['downloadStatus'],
  directory: string | null = here,
): (other: string) => Promise<number> {
  const download = { bytes_done: 3e9, bytes_total: 10e9 };
  const claim = createModelClaim(() => ({ downloadStatus, download }) as unknown as ModelSnapshot);
  claim.setDirectory(directory);
  return claim.on;
}

it('a download under way claims its rest on its own file system', async () => {
  expect(await claimOf('downloading')(tmpdir())).toBe(7e9);
});

it('it claims nothing on another file system', async () => {
  expect(await claimOf('downloading')('/proc')).toBe(0);
});

it('a model that has not begun, was refused or is complete claims nothing', async () => {
  for (const status of ['pending', 'failed', 'completed'] as const) {
    expect(await claimOf(status)(tmpdir())).toBe(0);
  }
});

it('nothing is claimed while nobody knows where the model goes', async () => {
  expect(await claimOf('downloading', null)(tmpdir())).toBe(0);
});
