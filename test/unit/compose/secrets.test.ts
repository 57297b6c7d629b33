import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEnvironmentFile } from '../../../src/compose/environment-file.ts';
import { ensureEnvironmentFile, missingValues } from '../../../src/compose/secrets.ts';

describe('the environment file', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'secrets-'));
    path = join(directory, '.env');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const randomBytes = (count: number) => new Uint8Array(count).fill(7);
  const ensure = (modelId?: string) =>
    ensureEnvironmentFile({ path, randomBytes, ...(modelId === undefined ? {} : { modelId }) });
  const mode = async () => (await stat(path)).mode & 0o777;

  it('is created with the model and all secrets, for its owner alone', async () => {
    const result = await ensure();
    expect(result).toMatchObject({
      values: { MODEL_ID: 'mistralai/Mistral-7B-Instruct-v0.3', WEBUI_ADMIN_EMAIL: 'admin@example.com' },
      created: ['MODEL_ID', 'VLLM_API_KEY', 'WEBUI_SECRET_KEY', 'WEBUI_ADMIN_EMAIL', 'WEBUI_ADMIN_PASSWORD'],
      tightened: false,
    });
    expect(await mode()).toBe(0o600);
    const text = await readFile(path, 'utf8');
    expect('values' in result && parseEnvironmentFile(text, path).values).toEqual(
      'values' in result && result.values,
    );
    expect(await readdir(directory)).toEqual(['.env']);
  });

  it('is not written a second time', async () => {
    await ensure();
    const before = await stat(path);
    expect(await ensure()).toMatchObject({ created: [], tightened: false });
    expect((await stat(path)).ino).toBe(before.ino);
  });

  it('keeps values, comments and order, and gets only what is missing', async () => {
    await writeFile(path, '# mine\nVLLM_API_KEY=\nMODEL_ID="a/b" # chosen\nOTHER=x\n');
    expect(await ensure('c/d')).toMatchObject({
      values: { MODEL_ID: 'a/b', VLLM_API_KEY: '', OTHER: 'x' },
      created: ['WEBUI_SECRET_KEY', 'WEBUI_ADMIN_EMAIL', 'WEBUI_ADMIN_PASSWORD'],
      tightened: true,
    });
    expect(await readFile(path, 'utf8')).toMatch(
      /^# mine\nVLLM_API_KEY=\nMODEL_ID="a\/b" # chosen\nOTHER=x\nWEBUI_/,
    );
    expect(await mode()).toBe(0o600);
  });

  it('gets the model that is given where none stands there', async () => {
    expect(await ensure('c/d')).toMatchObject({ values: { MODEL_ID: 'c/d' } });
  });

  it('is tightened when others could read it', async () => {
    await ensure();
    await chmod(path, 0o644);
    expect(await ensure()).toMatchObject({ created: [], tightened: true });
    expect(await mode()).toBe(0o600);
  });

  it('with an error stays as it was, and the error has its line', async () => {
    await writeFile(path, 'A=1\nB="open\n', { mode: 0o600 });
    expect(await ensure()).toMatchObject({ errors: [{ file: path, line: 2, key: 'B' }] });
    expect(await readFile(path, 'utf8')).toBe('A=1\nB="open\n');
  });

  it('behind a link is changed where it is', async () => {
    const real = join(directory, 'real');
    await writeFile(real, 'MODEL_ID=a/b\n', { mode: 0o600 });
    await symlink(real, path);
    await ensure();
    expect(await readFile(real, 'utf8')).toContain('VLLM_API_KEY=sk-');
    expect((await readdir(directory)).sort()).toEqual(['.env', 'real']);
  });

  it('that cannot be made comes back with what is missing and why, not as an exception', async () => {
    path = join(directory, 'gone', '.env');
    expect(await ensure()).toEqual({
      unwritable: expect.stringMatching(/^MODEL_ID, VLLM_API_KEY, .* cannot be added: ENOENT/),
    });
  });

  it('that cannot be read comes back as an error', async () => {
    path = directory;
    expect(await ensure()).toMatchObject({ errors: [{ message: expect.stringContaining('directory') }] });
    path = join(directory, '.env');
    await symlink(path, path);
    expect(await ensure()).toMatchObject({
      errors: [{ file: path, line: 1, message: expect.stringContaining('ELOOP') }],
    });
  });

  it('has secrets of enough randomness that need no quotes', () => {
    const used: number[] = [];
    const values = missingValues({}, 'a/b', (count) => {
      used.push(count);
      return new Uint8Array(count).fill(255);
    });
    expect(used).toEqual([32, 32, 15]);
    for (const value of Object.values(values)) expect(value).toMatch(/^[A-Za-z0-9_@./-]+$/);
  });
});
