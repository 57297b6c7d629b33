import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogFiles } from '../../../src/deployment/log-files.ts';
import { problem, status } from './fixtures.ts';

let top: string;
let directory: string;
const clock = { now: () => new Date('2026-11-23T17:00:03Z') };
const read = (file: string) => readFile(join(directory, file), 'utf8');
const WITH_PROBLEM = status({ problems: [problem()] });

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'logs-'));
  directory = join(top, 'log', 'ai-sandbox');
});
afterEach(() => rm(top, { recursive: true, force: true }));

describe('createLogFiles', () => {
  test('makes both files, closed to others, with stamped lines', async () => {
    expect(await createLogFiles({ directory, clock }).write(status())).toBeNull();
    expect((await read('deployment.log')).split('\n')[0]).toBe(
      '[2026-11-23 17:00:03] ai-sandbox 0.1.0 started',
    );
    expect(await read('model-download.log')).toMatch(
      /^\[2026-11-23 17:00:03\] acme\/small-instruct: downloading /,
    );
    expect((await stat(join(directory, 'deployment.log'))).mode & 0o777).toBe(0o640);
  });

  test('appends to what is there', async () => {
    await createLogFiles({ directory, clock }).write(status());
    await createLogFiles({ directory, clock }).write(status());
    expect((await read('deployment.log')).match(/started/g)).toHaveLength(2);
  });

  test('goes on in a new file after a rotation', async () => {
    const logs = createLogFiles({ directory, clock });
    await logs.write(status());
    await rename(join(directory, 'deployment.log'), join(directory, 'deployment.log.1'));
    await logs.write(WITH_PROBLEM);
    expect(await read('deployment.log')).toMatch(/^\[.*\] ERROR: .*\n$/);
  });

  test('names the file that cannot be written, and writes everything once it can', async () => {
    await writeFile(join(top, 'log'), 'in the way');
    const logs = createLogFiles({ directory, clock });
    expect(await logs.write(status())).toMatchObject({
      code: 'log_not_writable',
      detail: expect.stringContaining(join(directory, 'deployment.log')),
    });
    await rm(join(top, 'log'));
    expect(await logs.write(WITH_PROBLEM)).toBeNull();
    expect(await read('deployment.log')).toMatch(/started(?:.|\n)*ERROR: /);
  });

  test('does not write through a link in the place of a log', async () => {
    const logs = createLogFiles({ directory, clock });
    await logs.write(status());
    await rm(join(directory, 'deployment.log'));
    await writeFile(join(top, 'victim'), '');
    await symlink(join(top, 'victim'), join(directory, 'deployment.log'));
    expect((await logs.write(WITH_PROBLEM))?.code).toBe('log_not_writable');
    expect(await readFile(join(top, 'victim'), 'utf8')).toBe('');
  });
});
