import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHasher, type Hasher, hasherEntry } from '../../../../src/model/download/hasher.ts';
import { bytesOf } from '../../../support/model-files.ts';

const content = bytesOf('hashed', 9_000_000);
const sha256 = createHash('sha256').update(content).digest('hex');
const file = { sizeBytes: content.length, hash: { algorithm: 'sha256', hex: sha256 } } as const;

let hasher: Hasher;
let directory = '';
beforeAll(() => {
  hasher = createHasher();
});
afterAll(() => hasher.close());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasher-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('the hashing thread', () => {
  it('follows a file that is being written, and has its hash when the last byte is there', async () => {
    const path = join(directory, 'growing');
    const handle = await open(path, 'w');
    await handle.truncate(content.length);
    const followed = hasher.follow(path, file);
    let hex: string | null = null;
    const result = followed.result.then((value) => {
      hex = value;
    });
    for (let at = 0; at < content.length; at += 1_000_000) {
      expect(hex).toBeNull();
      await handle.write(content, at, Math.min(1_000_000, content.length - at), at);
      followed.upTo(Math.min(content.length, at + 1_000_000));
    }
    await result;
    expect(hex).toBe(sha256);
    await handle.close();
  });

  it("knows git's hash of a small file, and of an empty one", async () => {
    const path = join(directory, 'small');
    await writeFile(path, 'hello\n');
    const small = { sizeBytes: 6, hash: { algorithm: 'git-sha1', hex: '' } } as const;
    const followed = hasher.follow(path, small);
    followed.upTo(6);
    expect(await followed.result).toBe('ce013625030ba8dba906f756967f9e9ca394464a');
    await writeFile(path, '');
    const empty = hasher.follow(path, { ...small, sizeBytes: 0 });
    expect(await empty.result).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
  });

  it('rejects for a link, a missing file and a file that is shorter than was said', async () => {
    const link = join(directory, 'link');
    await symlink('/etc/hostname', link);
    await expect(hasher.follow(link, file).result).rejects.toThrow('ELOOP');
    await expect(hasher.follow(join(directory, 'none'), file).result).rejects.toThrow('ENOENT');
    const short = join(directory, 'short');
    await writeFile(short, 'abc');
    const followed = hasher.follow(short, file);
    followed.upTo(content.length);
    await expect(followed.result).rejects.toThrow('ended at 3 of 9000000');
  });

  it('that has ended rejects what it still owes', async () => {
    const other = createHasher();
    const path = join(directory, 'never');
    await writeFile(path, content);
    const owed = other.follow(path, file);
    await other.close();
    await expect(owed.result).rejects.toThrow('has ended');
  });
});

describe('the program of the hashing thread', () => {
  it.each([
    ['file:///srv/src/model/download/hasher.ts', '/srv/src/model/download/hash-worker-main.ts'],
    ['file:///usr/lib/ai-sandbox/main.mjs', '/usr/lib/ai-sandbox/model-hasher.mjs'],
  ])('beside %s is %s', (module, program) => {
    expect(hasherEntry(module)).toBe(program);
  });
});
