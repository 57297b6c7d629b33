import { execFile } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MOTD_BEGIN, mergeMotd, motdBlock } from '../../../src/deployment/motd-block.ts';
import { createMotdFile } from '../../../src/deployment/motd-file.ts';
import { systemClock } from '../../../src/lib/clock.ts';

let directory: string;
let path: string;
let nowMs = 0;
const clock = { ...systemClock, monotonicMs: () => nowMs };
const text = (body: string, time = '17:00') => `AI Sandbox\nAs of ${time}\n\n${body}`;
const NEWS = { change: 'state', insist: true } as const;
const PROGRESS = { change: 'progress', insist: true } as const;
const create = (at = path) => createMotdFile({ path: at, clock });
const read = (at = path) => readFile(at, 'latin1');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'motd-'));
  path = join(directory, 'motd');
  nowMs = 0;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('createMotdFile', () => {
  test('makes a missing file, readable by all, and leaves nothing beside it', async () => {
    expect(await create().write(text('a'), NEWS)).toBeNull();
    expect(motdBlock(await read())).toBe(text('a'));
    expect([(await stat(path)).mode & 0o777, await readdir(directory)]).toEqual([0o644, ['motd']]);
  });

  test("keeps other people's bytes and the rights of the file", async () => {
    const foreign = Buffer.from([0x48, 0xff, 0xe9, 0x0a]);
    await writeFile(path, foreign);
    await chmod(path, 0o640);
    await create().write(text('a'), NEWS);
    expect((await readFile(path)).subarray(0, 4)).toEqual(foreign);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  test('replaces the file as a whole, so that a reader never sees a part', async () => {
    const motd = create();
    await motd.write(text('a'), NEWS);
    const before = (await stat(path)).ino;
    await motd.write(text('b'), NEWS);
    expect((await stat(path)).ino).not.toBe(before);
  });

  test('renews a date alone only when it has become old, or by a new daemon', async () => {
    const motd = create();
    await motd.write(text('a', '17:00'), NEWS);
    nowMs = 599_999;
    await motd.write(text('a', '17:10'), NEWS);
    expect(motdBlock(await read())).toBe(text('a', '17:00'));
    nowMs = 600_000;
    await motd.write(text('a', '17:10'), PROGRESS);
    expect(motdBlock(await read())).toBe(text('a', '17:10'));
    await create().write(text('a', '17:11'), NEWS);
    expect(motdBlock(await read())).toBe(text('a', '17:11'));
  });

  test('does not bring back what a person has removed, unless something must be said', async () => {
    const motd = create();
    const quiet = { change: 'state', insist: false } as const;
    await motd.write(text('a'), NEWS);
    await writeFile(path, 'Welcome\n');
    nowMs = 600_000;
    await motd.write(text('a', '17:10'), NEWS);
    await motd.write(text('b'), quiet);
    await create().write(text('b'), quiet);
    expect(await read()).toBe('Welcome\n');
    await motd.write(text('c'), NEWS);
    expect(motdBlock(await read())).toBe(text('c'));
    await motd.write(text('d'), quiet);
    expect(motdBlock(await read())).toBe(text('d'));
  });

  test('writes amounts at most every ten seconds, news at once', async () => {
    const motd = create();
    await motd.write(text('1 %'), PROGRESS);
    nowMs = 9_999;
    await motd.write(text('2 %'), PROGRESS);
    expect(motdBlock(await read())).toBe(text('1 %'));
    nowMs = 10_000;
    await motd.write(text('3 %'), PROGRESS);
    expect(motdBlock(await read())).toBe(text('3 %'));
    await motd.write(text('4 %'), NEWS);
    expect(motdBlock(await read())).toBe(text('4 %'));
  });

  test('follows a symbolic link and keeps it, also when its target is missing', async () => {
    const target = join(directory, 'run', 'motd');
    await symlink('run/motd', path);
    expect(await create().write(text('a'), NEWS)).toBeNull();
    expect(await create().write(text('b'), NEWS)).toBeNull();
    expect([(await lstat(path)).isSymbolicLink(), motdBlock(await read(target))]).toEqual([true, text('b')]);
  });

  test.each([
    // A pipe of its own stands for a device: code that fails this test would replace a real one.
    [
      'a link to a pipe',
      async () => {
        await promisify(execFile)('mkfifo', [join(directory, 'pipe')]);
        await symlink('pipe', path);
      },
      'not a regular file',
    ],
    ['a directory', () => mkdir(path), 'not a regular file'],
    ['a link to itself', () => symlink('motd', path), 'symbolic links'],
    ['a path below a file', () => writeFile(path, ''), 'ENOTDIR'],
  ])('says so when the path is %s', async (what, make, reason) => {
    await make();
    const at = what === 'a path below a file' ? join(path, 'motd') : path;
    const finding = await create(at).write(text('a'), NEWS);
    expect(finding).toMatchObject({ code: 'motd_not_writable', detail: expect.stringContaining(reason) });
    expect(finding?.detail).toContain(at);
  });

  test.each(['EBUSY', 'EXDEV', 'EROFS', 'EACCES', 'EPERM'])(
    'writes into the file itself where a replacement gives %s, longer and shorter texts',
    async (code) => {
      await writeFile(path, 'Welcome\n');
      const replace = () => Promise.reject(Object.assign(new Error(code), { code }));
      const motd = createMotdFile({ path, clock, replace });
      for (const body of ['a'.repeat(500), 'b']) {
        expect(await motd.write(text(body), NEWS)).toBeNull();
        expect(await read()).toBe(mergeMotd('Welcome\n', text(body)));
      }
    },
  );

  test('does not write into the file itself when the disk is full', async () => {
    await writeFile(path, 'Welcome\n');
    const replace = () => Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
    const finding = await createMotdFile({ path, clock, replace }).write(text('a'), NEWS);
    expect([finding?.code, await read()]).toEqual(['motd_not_writable', 'Welcome\n']);
  });

  test('leaves a huge file alone', async () => {
    await writeFile(path, 'x'.repeat(300 * 1024));
    expect((await create().write(text('a'), NEWS))?.detail).toContain('larger than');
    expect(await read()).not.toContain(MOTD_BEGIN);
  });

  test('takes its finding back once the file can be written', async () => {
    await mkdir(path);
    const motd = create();
    expect(await motd.write(text('a'), NEWS)).not.toBeNull();
    await rm(path, { recursive: true });
    expect(await motd.write(text('a'), NEWS)).toBeNull();
  });
});
