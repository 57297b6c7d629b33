import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, toTimestamp } from '../../../src/lib/clock.ts';
import { DeadlineError, withDeadline } from '../../../src/lib/deadline.ts';
import { removeUnfinished, writeDurably } from '../../../src/lib/durable-file.ts';
import { errorMessage } from '../../../src/lib/errors.ts';
import { createLineSplitter } from '../../../src/lib/lines.ts';
import { createRedactor, REDACTED } from '../../../src/lib/redact.ts';
import { openStateStore } from '../../../src/lib/state-store.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ai-sandbox-lib-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('redactor', () => {
  it('removes known secrets, also where they are encoded, and longer ones before their parts', () => {
    const redactor = createRedactor(['p@ss word/1', 'p@ss word/1-and-more', null, '']);
    const text = 'a p@ss word/1 b p@ss word/1-and-more c p%40ss%20word%2F1';
    expect(redactor.redact(text)).toBe(`a ${REDACTED} b ${REDACTED} c ${REDACTED}`);
  });
  it('removes hub tokens, bearer headers and passwords in addresses it was never told', () => {
    const clean = createRedactor().redact(
      'hf_abcdefghijklmnop Authorization: Bearer abc.def-ghi https://user:hunter22@host/x',
    );
    expect(clean).not.toMatch(/abcdefghijklmnop|abc\.def|hunter22/);
    expect(clean).toContain('host/x');
  });
  it('finds a secret that is written like an expression', () => {
    expect(createRedactor(['a.b*c+(d']).redact('x a.b*c+(d y')).toBe(`x ${REDACTED} y`);
  });
  it('goes through a long word once, whatever address stands behind it', () => {
    const word = 'a.'.repeat(200_000);
    const clean = createRedactor().redact(`${word}://u:p@host`);
    expect(clean.slice(word.length)).toBe(`://${REDACTED}@host`);
  });
  it('leaves ordinary words alone, even for a very short secret', () => {
    expect(createRedactor(['a']).redact('a banana')).toBe('a banana');
  });
});

describe('line splitter', () => {
  it('cuts at \\n, \\r\\n and \\r, however the bytes are chunked, and keeps characters whole', () => {
    const text = 'eins\nzwölf\r\n 50 %|█████     |\r100 %\nlast';
    const bytes = Buffer.from(text);
    const expected = text.split(/[\r\n]+/).filter((line) => line !== '');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 }), (cuts) => {
        const splitter = createLineSplitter();
        const lines: string[] = [];
        let from = 0;
        for (const cut of [...new Set(cuts)].sort((a, b) => a - b)) {
          lines.push(...splitter.push(bytes.subarray(from, cut)));
          from = cut;
        }
        lines.push(...splitter.push(bytes.subarray(from)), ...splitter.end());
        expect(lines).toEqual(expected);
      }),
    );
  });
  it('cuts an endless line into pieces instead of keeping it', () => {
    const splitter = createLineSplitter(10);
    expect(splitter.push(Buffer.from('x'.repeat(25)))).toEqual(['x'.repeat(10), 'x'.repeat(10)]);
    expect(splitter.end()).toEqual(['xxxxx']);
  });
});

describe('deadline', () => {
  it('settles although the call never does', async () => {
    const late = withDeadline(systemClock, 'inspect', 20, () => new Promise(() => {}));
    await expect(late).rejects.toBeInstanceOf(DeadlineError);
    await expect(late).rejects.toThrow('inspect did not answer within 0.02 s');
  });
  it('passes the answer on and aborts the signal of the call only when late or stopped', async () => {
    let aborted = false;
    const answer = await withDeadline(systemClock, 'x', 1_000, async (signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return 7;
    });
    expect([answer, aborted]).toEqual([7, false]);
  });
  it('ends with the reason of the outer signal', async () => {
    const outer = new AbortController();
    const call = withDeadline(systemClock, 'x', 60_000, () => new Promise(() => {}), outer.signal);
    outer.abort(new Error('stopping'));
    await expect(call).rejects.toThrow('stopping');
  });
});

describe('errors', () => {
  it('joins the messages of causes without repeating them', () => {
    expect(errorMessage(new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') }))).toBe(
      'fetch failed: connect ECONNREFUSED',
    );
    expect(errorMessage(new Error('a: b', { cause: new Error('b') }))).toBe('a: b');
  });
});

describe('durable file', () => {
  it('replaces the content, sets the mode, and leaves no temporary file', async () => {
    const path = join(folder, 'x');
    await writeDurably(path, 'one');
    await writeDurably(path, 'two', { mode: 0o600 });
    expect(await readFile(path, 'utf8')).toBe('two');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['x']);
  });
  it('leaves the old content when it fails', async () => {
    await writeDurably(join(folder, 'x'), 'old');
    await expect(writeDurably(join(folder, 'x', 'y'), 'new')).rejects.toThrow();
    expect(await readFile(join(folder, 'x'), 'utf8')).toBe('old');
  });
  it('removes what killed writers of the same file have left, and nothing else', async () => {
    const others = ['.x.tmp', '.xy.0123456789ab.tmp', 'x', 'x.corrupt-1'];
    for (const name of ['.x.0123456789ab.tmp', ...others]) await writeFile(join(folder, name), 'half');
    await removeUnfinished(join(folder, 'x'));
    expect((await readdir(folder)).sort()).toEqual([...others].sort());
    await removeUnfinished(join(folder, 'nowhere', 'x'));
  });
});

describe('state store', () => {
  const schema = Type.Object({ count: Type.Integer() });
  const clock = { now: () => new Date('2026-01-02T03:04:05Z') };
  it('keeps what was set, across openings and sections', async () => {
    const path = join(folder, 'deep', 'state.json');
    const first = await openStateStore(path, clock);
    await Promise.all([
      first.section('a', schema, { count: 0 }).set({ count: 1 }),
      first.section('b', schema, { count: 0 }).set({ count: 2 }),
    ]);
    const second = await openStateStore(path, clock);
    expect(second.section('a', schema, { count: 0 }).get()).toEqual({ count: 1 });
    expect(second.section('b', schema, { count: 0 }).get()).toEqual({ count: 2 });
    expect(second.quarantined).toBeNull();
  });
  it.each(['', '{"version":1', '[]', '{"version":99,"sections":{}}', '\0\0\0'])(
    'sets a corrupt file aside and starts empty: %j',
    async (content) => {
      const path = join(folder, 'state.json');
      await writeFile(path, content);
      const store = await openStateStore(path, clock);
      expect(store.section('a', schema, { count: 5 }).get()).toEqual({ count: 5 });
      expect(store.quarantined?.path).toBe(`${path}.corrupt-2026-01-02T03-04-05-000Z`);
      expect(await readFile(store.quarantined?.path ?? '', 'utf8')).toBe(content);
    },
  );
  it('resets a section that does not fit, and says so', async () => {
    const path = join(folder, 'state.json');
    await writeFile(path, JSON.stringify({ version: 1, sections: { a: { count: 'x' }, b: { count: 3 } } }));
    const store = await openStateStore(path, clock);
    expect(store.section('a', schema, { count: 0 }).get()).toEqual({ count: 0 });
    expect(store.section('b', schema, { count: 0 }).get()).toEqual({ count: 3 });
    expect(store.quarantined?.reason).toContain('"a"');
    await store.section('b', schema, { count: 0 }).set({ count: 4 });
    expect(await readFile(store.quarantined?.path ?? '', 'utf8')).toContain('"x"');
  });
  it('tells a failed write and keeps the value in memory', async () => {
    await writeFile(join(folder, 'file'), '');
    const store = await openStateStore(join(folder, 'file', 'state.json'), clock);
    const section = store.section('a', schema, { count: 0 });
    await expect(section.set({ count: 1 })).rejects.toThrow();
    expect(section.get()).toEqual({ count: 1 });
    expect(store.lastWriteError()).toMatch(/ENOTDIR|EEXIST/);
  });
});

describe('timestamps', () => {
  it('are RFC 3339 in UTC to the second', () => {
    expect(toTimestamp(new Date('2026-11-23T17:30:35.999Z'))).toBe('2026-11-23T17:30:35Z');
  });
});
