import { execFile } from 'node:child_process';
import { fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createJournalLog, isJournalStream, type JournalLogOptions } from '../../../src/host/journal.ts';
import type { Log } from '../../../src/lib/log.ts';
import { createRedactor } from '../../../src/lib/redact.ts';

const now = () => new Date('2026-11-23T17:00:03.123Z');
function record(write: (log: Log) => void, options: Partial<JournalLogOptions> = {}): string[] {
  const chunks: string[] = [];
  write(
    createJournalLog({
      stdoutIsJournal: true,
      isTty: false,
      redactor: createRedactor(['s3cret two  spaces']),
      level: 'info',
      output: { write: (text) => chunks.push(text) },
      now,
      ...options,
    }),
  );
  expect(chunks.every((chunk) => chunk.endsWith('\n') && chunk.indexOf('\n') === chunk.length - 1)).toBe(
    true,
  );
  return chunks.map((chunk) => chunk.slice(0, -1));
}

describe('createJournalLog', () => {
  test('writes from another level on when it is told so', () => {
    const chunks: string[] = [];
    const log = createJournalLog({
      stdoutIsJournal: true,
      isTty: false,
      redactor: createRedactor(),
      level: 'info',
      output: { write: (text) => chunks.push(text) },
    });
    log.debug('a');
    log.setLevel('debug');
    log.debug('b', { error: new Error('c') });
    expect(chunks).toEqual([expect.stringMatching(/^<7>b error=c error_stack="Error: c[^\n]*\n$/)]);
  });

  test('gives every level its priority in the journal', () => {
    const lines = record(
      (log) => {
        log.error('a');
        log.warn('b');
        log.info('c');
        log.debug('d');
      },
      { level: 'debug' },
    );
    expect(lines).toEqual(['<3>a', '<4>b', '<6>c', '<7>d']);
  });

  test('writes nothing below its level', () => {
    expect(record((log) => log.debug('a'))).toEqual([]);
  });

  test('writes fields readably behind the message', () => {
    const lines = record((log) =>
      log.info('api ended', {
        exit_code: 0,
        cause: 'not asked for',
        image: 'vllm:1',
        empty: '',
        nothing: undefined,
        tail: ['x y'],
        level: 'mine',
        time: 'mine',
        big: 12n,
      }),
    );
    expect(lines).toEqual([
      '<6>api ended exit_code=0 cause="not asked for" image=vllm:1 empty="" tail=["x y"] level=mine time=mine big=12',
    ]);
  });

  test('keeps a record on one line, whatever stands in it', () => {
    const lines = record((log) => log.info('a\nb\u2028c \u001b[31mred', { text: 'x\r\n<3>forged', '\n': 1 }));
    expect(lines).toEqual(['<6>a b c red text="x\\r\\n<3>forged" =1']);
  });

  test('removes secrets from messages, fields and errors', () => {
    const lines = record((log) =>
      log.info('got s3cret two  spaces', {
        token: 'hf_abcdefghijklmnop',
        deep: { header: 'Bearer abcdefghijkl' },
        error: new Error('for s3cret two  spaces'),
      }),
    );
    expect(lines).toEqual([
      '<6>got [redacted] token=[redacted] deep={"header":"Bearer [redacted]"} error="for [redacted]"',
    ]);
  });

  test('writes an error as one sentence, its stack only at level debug', () => {
    const error = new Error('cannot pull', { cause: new Error('no space') });
    expect(record((log) => log.error('failed', { error }))).toEqual([
      '<3>failed error="cannot pull: no space"',
    ]);
    const [line] = record((log) => log.error('failed', { error }), { level: 'debug' });
    expect(line).toMatch(/^<3>failed error="cannot pull: no space" error_stack=.* at /);
  });

  test('shows local time and coloured levels on a terminal', () => {
    const lines = record(
      (log) => {
        log.info('fine');
        log.error('bad');
      },
      { stdoutIsJournal: false, isTty: true },
    );
    const time = now().toTimeString().slice(0, 8);
    expect(lines).toEqual([`${time} INFO  fine`, `${time} \u001b[31mERROR\u001b[0m bad`]);
  });

  test('dates its lines for files and pipes', () => {
    const lines = record((log) => log.warn('careful'), { stdoutIsJournal: false });
    expect(lines).toEqual(['2026-11-23T17:00:03.123Z WARN careful']);
  });

  test('writes to standard output by itself', async () => {
    const program = `
      const { createJournalLog } = await import('./src/host/journal.ts');
      const { createRedactor } = await import('./src/lib/redact.ts');
      createJournalLog({ stdoutIsJournal: true, isTty: false, redactor: createRedactor(), level: 'info' }).info('hello');
      process.kill(process.pid, 'SIGKILL');`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    const output = await run.catch((error: { stdout: string }) => error);
    expect(output.stdout).toBe('<6>hello\n');
  });
});

test('standard output is the journal only when its device and inode are those that systemd names', () => {
  const directory = mkdtempSync(join(tmpdir(), 'journal-'));
  const descriptor = openSync(join(directory, 'stream'), 'w');
  const { dev, ino } = fstatSync(descriptor);
  rmSync(directory, { recursive: true });
  expect([
    isJournalStream({ JOURNAL_STREAM: `${dev}:${ino}` }, descriptor),
    isJournalStream({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, descriptor),
    isJournalStream({}, descriptor),
    isJournalStream({ JOURNAL_STREAM: '1:1' }, 999_999),
  ]).toEqual([true, false, false, false]);
});
