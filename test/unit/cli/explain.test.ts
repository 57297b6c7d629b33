import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliContext } from '../../../src/cli/command.ts';
import { runCli } from '../../../src/cli/run.ts';
import { systemClock } from '../../../src/lib/clock.ts';

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

/** Runs the command inside of this process; its machine has no daemon. */
async function explain(...args: string[]) {
  const shown = { status: 0, out: '', err: '' };
  const context: CliContext = {
    get settings(): never {
      throw new Error('explain needs no settings');
    },
    clock: systemClock,
    colour: false,
    async write(text) {
      shown.out += text;
    },
    complain(message) {
      shown.err += `${message}\n`;
    },
    checkConfig: () => Promise.reject(new Error('explain reads no compose file')),
    openShelf: () => Promise.reject(new Error('explain reads no model')),
  };
  shown.status = await runCli(['explain', ...args], '1.2.3', context);
  return shown;
}

/** What is told of this text as JSON. */
async function explained(text: string | Uint8Array, ...args: string[]) {
  const { status, out } = await explain(fileWith(text), '--json', ...args);
  expect(status).toBe(0);
  return JSON.parse(out);
}

/** Runs the program as a person does, with a text on standard input. */
function explainInput(args: string[], input: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'explain', ...args], {
    env: { ...process.env, AI_SANDBOX_SOCKET: join(folder, 'nobody.sock') },
    input,
  });
  return { status, out: stdout.toString(), err: stderr.toString() };
}

describe('ai-sandbox explain', () => {
  it('tells cause and remedy of a log file to a person', async () => {
    const { status, out, err } = await explain(fileWith(`${BUSY}\n`));
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain('gpu_memory_busy');
    expect(out).toContain('3.11 of 23.57 GiB of the GPU are free');
    expect(out).toContain('Remedy: ');
  });

  it.each([[[]], [['-']]])('reads standard input with the arguments %j', (args) => {
    const { status, out } = explainInput([...args, '--json'], BUSY);
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
  ])('has null everywhere for %s, and exit code 0', async (_what, log) => {
    expect(await explained(log)).toEqual({
      code: null,
      signature: null,
      class: null,
      title: null,
      detail: null,
      remedy: null,
      line: null,
    });
  });

  it('takes what the engine knows of the end into account', async () => {
    const log = 'INFO 03-14 09:11:20 [core.py:70] Initializing a V1 LLM engine\n';
    expect((await explained(log)).code).toBe(null);
    expect((await explained(log, '--exit-code', '137', '--oom-killed')).code).toBe('out_of_memory');
    expect((await explained(log, '--exit-code', '139')).code).toBe('process_crashed');
  });

  it('finds the cause in text of several sources, in any order', async () => {
    const log = '(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.';
    const kernel = '[86400.123456] NVRM: Xid (PCI:0000:01:00): 79, pid=1234, GPU has fallen off the bus.';
    for (const text of [`${log}\n${kernel}\n`, `${kernel}\n${log}\n`]) {
      expect((await explained(text)).code).toBe('gpu_lost');
    }
  });

  it('survives binary data and finds the cause behind it', async () => {
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 31 + (at >> 3)) % 256));
    const log = Buffer.concat([noise, Buffer.from(`\n${BUSY}\n`)]);
    expect((await explained(log)).code).toBe('gpu_memory_busy');
  });

  it('survives lines of a mebibyte', async () => {
    const long = 'ERROR 03-14 09:11:20 [core.py:70] CUDA error: a '.repeat(22_000);
    expect((await explained(`${'('.repeat(1 << 20)}\n${BUSY}\n${long}\n`)).code).toBe('gpu_memory_busy');
  });

  it('shows no secret and no control character of the log', async () => {
    const line = `OSError: [Errno 28] No space left on device: '/x' hf_abcdefghijklmnop \u001b]0;title\u0007\u0008`;
    const { out } = await explain(fileWith(line), '--json');
    expect(JSON.parse(out).code).toBe('disk_full');
    expect(out).not.toContain('hf_abc');
    expect(out).not.toMatch(/\\u00(?:1b|07|08)/);
  });

  it.each([
    ['a file that is not there', ['/nonexistent/log'], 1, 'there is no such file'],
    ['a directory', [tmpdir()], 1, 'it is a directory'],
    ['an exit code that is none', ['--exit-code', 'x'], 2, 'a whole number from 0 to 255'],
    ['an exit code that is too large', ['--exit-code', '256'], 2, 'a whole number from 0 to 255'],
    ['two files', ['a', 'b'], 2, 'too many words: b'],
  ])('refuses %s', async (_what, args, expected, words) => {
    const { status, out, err } = await explain(...args);
    expect([status, out]).toEqual([expected, '']);
    expect(err).toContain(words);
  });

  it('reads a log that is larger than its memory', async () => {
    const program = `
      import { explainCommand } from ${JSON.stringify(join(import.meta.dirname, '../../../src/cli/commands/explain.ts'))};
      let text = '';
      await explainCommand.run({ write: async (more) => { text += more; } }, { values: { json: true }, positionals: ['-'] });
      console.log(JSON.stringify({ code: JSON.parse(text).code }));`;
    const child = spawn(
      process.execPath,
      ['--max-old-space-size=32', '--input-type=module', '--eval', program],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const block = `INFO 03-14 09:11:20 [core.py:70] with config: ${'x'.repeat(8000)}\n`.repeat(50);
    for (let sent = 0; sent < 64 << 20; sent += block.length) {
      if (!child.stdin.write(block)) await once(child.stdin, 'drain');
    }
    child.stdin.end(`${BUSY}\n`);
    await once(child, 'close');
    expect(JSON.parse(out)).toEqual({ code: 'gpu_memory_busy' });
  });
});
