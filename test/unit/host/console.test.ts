import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createConsole } from '../../../src/host/console.ts';
import { silentLog } from '../../../src/lib/log.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'console-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('lines are added to what the console shows, made harmless', async () => {
  const path = join(directory, 'console');
  await writeFile(path, 'login: ');
  await createConsole(path, silentLog).write(['ERROR: \u001b[2Jgone', 'two\nlines']);
  expect(await readFile(path, 'utf8')).toBe(
    'login: \rai-sandbox: ERROR: gone\r\n\rai-sandbox: two lines\r\n',
  );
});

test('a console that is missing is no failure, is told once, and is never made', async () => {
  const told: string[] = [];
  const log = { ...silentLog, info: (message: string) => told.push(message) };
  const missing = createConsole(join(directory, 'none'), log);
  await missing.write(['a']);
  await missing.write(['b']);
  expect(told).toEqual([expect.stringContaining('ENOENT')]);
  await createConsole(null, log).write(['c']);
  expect(told).toHaveLength(1);
});
