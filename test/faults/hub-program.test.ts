import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PROGRAM = join(import.meta.dirname, '../stand-ins/hub/main.ts');

let folder = '';
let child: ChildProcess | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hub-program-'));
});
afterEach(async () => {
  if (child !== null && child.exitCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true });
});

async function start(...options: string[]): Promise<{ url: string; running: ChildProcess }> {
  const running = spawn(process.execPath, [PROGRAM, '--model', `acme/tiny=${folder}`, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = running;
  if (running.stdout === null) throw new Error('no output');
  const [url] = await once(createInterface(running.stdout), 'line');
  return { url: String(url), running };
}

describe('the stand-in hub as a program', () => {
  it('serves the visible files of a folder, links followed, and prints its address first', async () => {
    await writeFile(join(folder, 'config.json'), '{"a":1}');
    await symlink(join(folder, 'config.json'), join(folder, 'link.json'));
    await mkdir(join(folder, '.cache'));
    await writeFile(join(folder, '.cache', 'hidden.json'), '{}');
    const { url, running } = await start();
    const tree: unknown = await (await fetch(`${url}/api/models/acme/tiny/tree/main?recursive=true`)).json();
    expect(tree).toMatchObject([
      { path: 'config.json', size: 7 },
      { path: 'link.json', size: 7 },
    ]);
    expect(await (await fetch(`${url}/acme/tiny/resolve/main/link.json`)).text()).toBe('{"a":1}');
    running.kill('SIGTERM');
    expect(await once(running, 'exit')).toEqual([0, null]);
  });

  it('sends large files from its second name, whole and in parts', async () => {
    const bytes = Buffer.from('0123456789');
    await writeFile(join(folder, 'model.safetensors'), bytes);
    const { url } = await start('--throttle', '1000000');
    const address = `${url}/acme/tiny/resolve/main/model.safetensors`;
    const first = await fetch(address, { redirect: 'manual' });
    expect(first.status).toBe(302);
    expect(first.headers.get('x-linked-size')).toBe('10');
    expect(new URL(first.headers.get('location') ?? '').hostname).toBe('localhost');
    expect(await (await fetch(address)).bytes()).toEqual(
      new Uint8Array(await readFile(join(folder, 'model.safetensors'))),
    );
    const part = await fetch(first.headers.get('location') ?? '', { headers: { range: 'bytes=3-5' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      'bytes 3-5/10',
      '345',
    ]);
  });

  it('gives gated models to known tokens that accepted the terms', async () => {
    await writeFile(join(folder, 'config.json'), '{}');
    const { url } = await start('--gated', 'acme/tiny', '--token', 'hf_one=acme/tiny', '--token', 'hf_two=');
    const status = async (token: string | null) =>
      (
        await fetch(`${url}/acme/tiny/resolve/main/config.json`, {
          redirect: 'manual',
          headers: token === null ? {} : { authorization: `Bearer ${token}` },
        })
      ).status;
    expect([
      await status(null),
      await status('hf_two'),
      await status('hf_one'),
      await status('hf_bad'),
    ]).toEqual([401, 403, 307, 401]);
  });
});
