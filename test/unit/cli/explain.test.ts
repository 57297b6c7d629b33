import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts');
const BUSY =
  'ValueError: Free memory on device (3.11/23.57 GiB) on startup is less than desired GPU memory utilization (0.9, 21.22 GiB).';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'explain-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(content: string | Uint8Array): string {
  const file = join(folder, 'log');
  writeFileSync(file, content);
  return file;
}

/** Runs the command as a person does; no daemon is there. */
function explain(args: string[], input: string | Uint8Array = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'explain', ...args], {
    env: { ...process.env, AI_SANDBOX_SOCKET: join(folder, 'nobody.sock') },
    input,
  });
  return { status, out: stdout.toString(), err: stderr.toString() };
}

describe('ai-sandbox explain', () => {
  it('tells cause and remedy of a log file to a person', () => {
    const { status, out, err } = explain([fileWith(`${BUSY}\n`)]);
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain('gpu_memory_busy');
    expect(out).toContain('3.11 of 23.57 GiB of the GPU are free');
    expect(out).toContain('Remedy: ');
  });

  it.each([[[]], [['-']]])('reads standard input with the arguments %j', (args) => {
    const { status, out } = explain([...args, '--json'], BUSY);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toEqual({
      code: 'gpu_memory_busy',
      signature: 'gpu_busy',
      class: 'transient',
      title: expect.any(String),
      detail: expect.any(String),
      remedy: expect.any(String),
      line: BUSY,
    });
  });

  it.each([
    ['an empty log', ''],
    ['blank lines', '\n\r\n \n'],
    [
      'a healthy log',
      'INFO:     Application startup complete.\nINFO:     1.2.3.4:5 - "GET /health HTTP/1.1" 200 OK\n',
    ],
  ])('has null everywhere for %s, and exit code 0', (_what, log) => {
    const { status, out } = explain([fileWith(log), '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toEqual({
      code: null,
      signature: null,
      class: null,
      title: null,
      detail: null,
      remedy: null,
      line: null,
    });
  });

  it('takes what the engine knows of the end into account', () => {
    const file = fileWith('INFO 03-14 09:11:20 [core.py:70] Initializing a V1 LLM engine\n');
    const code = (...args: string[]) => JSON.parse(explain([file, '--json', ...args]).out).code;
    expect(code()).toBe(null);
    expect(code('--exit-code', '137', '--oom-killed')).toBe('out_of_memory');
    expect(code('--exit-code', '139')).toBe('process_crashed');
  });

  it('finds the cause in text of several sources, in any order', () => {
    const log = `(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.`;
    const kernel = `[86400.123456] NVRM: Xid (PCI:0000:01:00): 79, pid=1234, GPU has fallen off the bus.`;
    for (const text of [`${log}\n${kernel}\n`, `${kernel}\n${log}\n`]) {
      expect(JSON.parse(explain(['--json'], text).out).code).toBe('gpu_lost');
    }
  });

  it('survives binary data and finds the cause behind it', () => {
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 31 + (at >> 3)) % 256));
    const { status, out } = explain(['--json'], Buffer.concat([noise, Buffer.from(`\n${BUSY}\n`)]));
    expect(status).toBe(0);
    expect(JSON.parse(out).code).toBe('gpu_memory_busy');
  });

  it('survives lines of a mebibyte', () => {
    const long = 'ERROR 03-14 09:11:20 [core.py:70] CUDA error: a '.repeat(22_000);
    const { status, out } = explain(['--json'], `${'('.repeat(1 << 20)}\n${long}\n${BUSY}\n`);
    expect(status).toBe(0);
    expect(JSON.parse(out).code).not.toBe(null);
  });

  it('shows no secret and no control character of the log', () => {
    const line = `OSError: [Errno 28] No space left on device: '/x' hf_abcdefghijklmnop \u001b]0;title\u0007\u0008`;
    const { out } = explain(['--json'], line);
    expect(JSON.parse(out).code).toBe('disk_full');
    expect(out).not.toContain('hf_abc');
    expect(out).not.toMatch(/\\u00(?:1b|07|08)/);
  });

  it.each([
    ['a file that is not there', ['/nonexistent/log'], 1, 'there is no such file'],
    ['a directory', [tmpdir()], 1, 'it is a directory'],
    ['an exit code that is none', ['--exit-code', 'x'], 2, 'a whole number from 0 to 255'],
    ['an exit code that is too large', ['--exit-code', '256'], 2, 'a whole number from 0 to 255'],
    ['two files', ['a', 'b'], 2, 'too many words: a b'],
  ])('refuses %s', (_what, args, expected, words) => {
    const { status, out, err } = explain(args);
    expect([status, out]).toEqual([expected, '']);
    expect(err).toContain(words);
  });

  it('needs no more memory for a longer log', async () => {
    const program = `
      import { explainCommand } from ${JSON.stringify(join(import.meta.dirname, '../../../src/cli/commands/explain.ts'))};
      let text = '';
      await explainCommand.run({ write: async (more) => { text += more; } }, { values: { json: true }, positionals: ['-'] });
      console.log(JSON.stringify({ code: JSON.parse(text).code, peakKib: process.resourceUsage().maxRSS }));`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const line = 'INFO 03-14 09:11:20 [loggers.py:118] Engine 000: Running: 1 reqs, Waiting: 0 reqs\n';
    const block = line.repeat(2000);
    for (let sent = 0; sent < 40 << 20; sent += block.length) {
      if (!child.stdin.write(block)) await once(child.stdin, 'drain');
    }
    child.stdin.end(`${BUSY}\n`);
    await once(child, 'close');
    const { code, peakKib } = JSON.parse(out);
    expect(code).toBe('gpu_memory_busy');
    expect(peakKib).toBeLessThan(200 * 1024);
  });
});
