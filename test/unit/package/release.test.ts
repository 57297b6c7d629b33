import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const top = join(import.meta.dirname, '../../..');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'release-'));
  await writeFile(join(folder, 'ai-sandbox_1.2.3_amd64.deb'), 'package\n');
  await writeFile(join(folder, 'script'), await readFile(join(top, 'scripts/stackscript.sh'), 'utf8'));
});
afterEach(() => rm(folder, { recursive: true }));

const release = (...args: string[]) =>
  run(join(top, 'scripts/release'), args, {
    env: {
      ...process.env,
      AI_SANDBOX_STACKSCRIPT: join(folder, 'script'),
      AI_SANDBOX_RELEASE_DEB: join(folder, 'ai-sandbox_1.2.3_amd64.deb'),
    },
  });
const pins = async () =>
  Object.fromEntries(
    [...(await readFile(join(folder, 'script'), 'utf8')).matchAll(/^(DEB_\w+_DEFAULT)='(.*)'$/gm)].map(
      ([, name, value]) => [name, value],
    ),
  );

describe('scripts/release', () => {
  it('pins address and checksum of the package in the installer', async () => {
    const { stdout } = await release('https://example.org/ai-sandbox/1.2.3/');
    const { DEB_URL_DEFAULT: url, DEB_SHA256_DEFAULT: sum } = await pins();
    expect(url).toBe('https://example.org/ai-sandbox/1.2.3/ai-sandbox_1.2.3_amd64.deb');
    expect(stdout).toBe(`${sum}  ai-sandbox_1.2.3_amd64.deb\n`);
    const { stdout: own } = await run('sha256sum', [join(folder, 'ai-sandbox_1.2.3_amd64.deb')]);
    expect(own.split(' ')[0]).toBe(sum);
  });

  it('changes nothing else of the installer', async () => {
    const before = (await readFile(join(folder, 'script'), 'utf8')).split('\n');
    await release('https://example.org/x');
    const after = (await readFile(join(folder, 'script'), 'utf8')).split('\n');
    const changed = after.filter((line, at) => line !== before[at]);
    expect([after.length, changed.length]).toEqual([before.length, 2]);
  });

  it('verifies what is pinned, and fails for another package', async () => {
    await release('https://example.org/x');
    await release('--verify');
    await writeFile(join(folder, 'ai-sandbox_1.2.3_amd64.deb'), 'another\n');
    await expect(release('--verify')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('pinned is'),
    });
  });

  it.each(['http://example.org/x', "https://example.org/';reboot;'", 'ftp://x'])(
    'refuses the address %s',
    async (address) => {
      await expect(release(address)).rejects.toMatchObject({ code: 1 });
      expect((await pins())['DEB_URL_DEFAULT']).not.toContain('reboot');
    },
  );
});
