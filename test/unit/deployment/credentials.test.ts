import {
  chmod,
  chown,
  link,
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
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { credentialLines, mergeCredentials } from '../../../src/deployment/credentials.ts';
import { writeCredentials } from '../../../src/deployment/credentials-file.ts';

const FACTS = {
  pageUrl: 'http://203.0.113.9:3000',
  apiUrl: null,
  model: 'acme/small',
  adminEmail: 'admin@example.com',
  adminPassword: 'pass: word',
  apiKey: 'sk-1',
};
const TEXT = `Open WebUI URL: http://203.0.113.9:3000
Open WebUI admin email: admin@example.com
Open WebUI admin password: pass: word
API key: sk-1
Model: acme/small
`;

describe('the credentials', () => {
  test('are lines of a key and a value; what is not known is left out', () => {
    expect(mergeCredentials('', credentialLines(FACTS))).toBe(TEXT);
  });

  test('leave the lines of others where they are, and replace their own in place', () => {
    const existing = 'Sudo Username: ann\nAPI key: old\n# a note\n\nSudo Password: x: y';
    expect(
      mergeCredentials(existing, [
        ['API key', 'new'],
        ['Model', 'acme/small'],
      ]),
    ).toBe('Sudo Username: ann\nAPI key: new\n# a note\n\nSudo Password: x: y\nModel: acme/small\n');
  });

  test('stay the same when they are merged again', () => {
    expect(mergeCredentials(TEXT, credentialLines(FACTS))).toBe(TEXT);
  });

  test('have no value that could look like other lines', () => {
    expect(credentialLines({ ...FACTS, apiKey: 'sk\nSudo Password: mine' })).not.toContainEqual(
      expect.arrayContaining(['API key']),
    );
  });
});

describe('the file of the credentials', () => {
  let home: string;
  let path: string;
  const owner = { uid: 12_345, gid: 23_456 };
  const lines = credentialLines(FACTS);
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'home-'));
    path = join(home, '.credentials');
  });
  afterEach(() => rm(home, { recursive: true, force: true }));
  const facts = async () => {
    const { mode, uid, gid } = await stat(path);
    return { mode: (mode & 0o777).toString(8), uid, gid };
  };

  test("is the user's own and closed to others from its first byte on, and nothing is left beside it", async () => {
    expect(await writeCredentials(path, owner, lines)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe(TEXT);
    expect(await facts()).toEqual({ mode: '600', ...owner });
    expect(await readdir(home)).toEqual(['.credentials']);
  });

  test('is not written when it says so already, and closed when others could read it', async () => {
    await writeCredentials(path, owner, lines);
    expect(await writeCredentials(path, owner, lines)).toBe(false);
    await chmod(path, 0o644);
    expect(await writeCredentials(path, owner, lines)).toBe(true);
    expect((await facts()).mode).toBe('600');
    await chown(path, 0, 0);
    await writeCredentials(path, owner, lines);
    expect((await facts()).uid).toBe(owner.uid);
  });

  test('is written into where an installer has made it: nobody needs the right to give files away', async () => {
    await writeFile(path, '', { mode: 0o600 });
    await chown(path, owner.uid, owner.gid);
    const { ino } = await lstat(path);
    expect(await writeCredentials(path, owner, lines)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe(TEXT);
    expect([(await lstat(path)).ino, await facts()]).toEqual([ino, { mode: '600', ...owner }]);
  });

  test('is not written into where it has another name elsewhere', async () => {
    await writeFile(join(home, 'victim'), '', { mode: 0o600 });
    await chown(join(home, 'victim'), owner.uid, owner.gid);
    await link(join(home, 'victim'), path);
    await expect(writeCredentials(path, owner, lines)).rejects.toThrow('not the file that it was');
    expect(await readFile(join(home, 'victim'), 'utf8')).toBe('');
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['a link', () => symlink(join(home, 'victim'), path), 'it is a link'],
    ['a directory', () => mkdir(path), 'regular file'],
    ['far too large', () => writeFile(path, 'x'.repeat(70_000)), 'larger than 64 KiB'],
  ])('is not touched where it is %s', async (_what, make, reason) => {
    await writeFile(join(home, 'victim'), 'precious\n');
    await make();
    const before = await lstat(path);
    await expect(writeCredentials(path, owner, lines)).rejects.toThrow(reason);
    expect((await lstat(path)).ino).toBe(before.ino);
    expect(await readFile(join(home, 'victim'), 'utf8')).toBe('precious\n');
  });
});
