import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HubFixture, hubFixture, MODEL_ID } from '../support/hub-fixture.ts';

const run = promisify(execFile);
const DISK_BYTES = 8 * 1024 * 1024;

let disk = '';
let fixture: HubFixture | null = null;
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), 'small-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk]);
});
afterEach(async () => {
  await fixture?.close();
  fixture = null;
  await run('umount', ['--lazy', disk]);
  await rm(disk, { recursive: true });
});

describe('a download onto a small disk', () => {
  it('is refused before the first byte when it does not fit, with what is there and what is needed', async () => {
    const one = await hubFixture({ shardBytes: 5_000_000 });
    fixture = one;
    one.keeper.setWanted({ text: MODEL_ID, directory: disk });
    const { problem, downloadStatus } = await one.until((snapshot) => snapshot.problem !== null);
    expect(problem).toMatchObject({ code: 'disk_too_small', class: 'host' });
    expect(problem?.detail).toMatch(/have 8 MB free, need 10 MB/);
    expect(downloadStatus).toBe('failed');
    expect(one.server.requests.filter(({ host }) => host === 'localhost')).toEqual([]);
  });
});
