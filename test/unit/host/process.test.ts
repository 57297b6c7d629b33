import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootSeconds } from '../../../src/host/boot-id.ts';
import { isProcessSince } from '../../../src/host/process.ts';

test('a process that exists was there at any time after its start', async () => {
  expect(await isProcessSince(process.pid, bootSeconds())).toBe(true);
});

test('a process that began later has only inherited the number', async () => {
  expect(await isProcessSince(process.pid, bootSeconds() - process.uptime() - 60)).toBe(false);
});

test.each([
  ['runs', '7 (a) b) (c)) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 500 9 9', true],
  [
    'has ended and waits for its parent',
    '7 (bash) Z 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 500 9 9',
    false,
  ],
  ['is shown by nothing that can be read', 'nonsense', false],
])('a process that %s', async (_what, stat, expected) => {
  const proc = await mkdtemp(join(tmpdir(), 'proc-'));
  try {
    await mkdir(join(proc, '7'));
    await writeFile(join(proc, '7/stat'), `${stat}\n`);
    expect(await isProcessSince(7, 10, proc)).toBe(expected);
    expect(await isProcessSince(7, 2, proc)).toBe(false);
    expect(await isProcessSince(8, 10, proc)).toBe(false);
  } finally {
    await rm(proc, { recursive: true });
  }
});
