import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { compileProgram, packCodeCache, unpackCodeCache } from '../../../src/lib/code-cache.ts';

const PROGRAM = 'const used = (n) => ({ sum: n + 1 }).sum; const unused = (n) => n - 1; return used(given);';
const WRAPPER = ['(function (given) {', '\n})'] as const;
const FILE = '/usr/lib/ai-sandbox/daemon.cjs';

const folders: string[] = [];
const cacheFile = () => {
  const folder = mkdtempSync(join(tmpdir(), 'ai-sandbox-code-cache-'));
  folders.push(folder);
  return join(folder, 'node/daemon.code-cache');
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

interface Run {
  cached: boolean;
  complete: boolean;
  result: unknown;
}

/** Compiles and runs in a process of its own: V8 knows a text that was compiled in the same one before. */
function run(file: string, save: readonly ('before' | 'after' | 'unfinished')[] = [], text = PROGRAM): Run {
  const module = pathToFileURL(join(import.meta.dirname, '../../../src/lib/code-cache.ts')).href;
  const script = `
    const { compileProgram } = await import(${JSON.stringify(module)});
    const [file, text, wrapper, name, save] = ${JSON.stringify([file, text, WRAPPER, FILE, save])};
    const program = compileProgram(Buffer.from(text), wrapper, name, file);
    if (save.includes('before')) program.save(true);
    const result = program.run()(41);
    if (save.includes('after')) program.save(true);
    if (save.includes('unfinished')) program.save(false);
    console.log(JSON.stringify({ cached: program.cached, complete: program.complete, result }));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  ) as Run;
}

describe('a program with a code cache', () => {
  it('is compiled without one the first time, and with it the second', () => {
    const file = cacheFile();
    expect(run(file, ['after'])).toEqual({ cached: false, complete: false, result: 42 });
    expect(run(file)).toEqual({ cached: true, complete: true, result: 42 });
    expect(readdirSync(join(file, '..'))).toEqual(['daemon.code-cache']);
  });

  it('keeps the functions that a run has compiled, which a cache made before it has not', () => {
    const [before, after] = [cacheFile(), cacheFile()];
    run(before, ['before']);
    run(after, ['after']);
    expect(readFileSync(after).length).toBeGreaterThan(readFileSync(before).length);
  });

  it('says of a cache that was written before its time that it is not complete', () => {
    const file = cacheFile();
    run(file, ['unfinished']);
    expect(run(file)).toEqual({ cached: true, complete: false, result: 42 });
  });

  it('runs what is in the file, not a cache of another text of the same length', () => {
    const file = cacheFile();
    run(file, ['after']);
    const changed = run(file, [], PROGRAM.replace('n + 1', 'n + 2'));
    expect(changed).toEqual({ cached: false, complete: false, result: 43 });
  });

  it('does without a cache that V8 refuses', () => {
    const file = cacheFile();
    run(file, ['after']);
    const program = readFileSync(file).readUInt32LE(16);
    writeFileSync(file, packCodeCache({ program, complete: true, data: Buffer.alloc(2000, 3) }));
    expect(run(file)).toEqual({ cached: false, complete: false, result: 42 });
  });

  it('names the file and its own positions in a stack trace', () => {
    const text = 'return new Error("x").stack;';
    const program = compileProgram(Buffer.from(text), WRAPPER, FILE, cacheFile());
    expect((program.run() as () => unknown)()).toContain(`${FILE}:1:8`);
  });

  it('throws where the cache cannot be written', () => {
    const file = cacheFile();
    writeFileSync(join(file, '..'), '');
    const program = compileProgram(Buffer.from(PROGRAM), WRAPPER, FILE, file);
    expect(() => program.save(true)).toThrow(/EEXIST|ENOTDIR/);
  });
});

describe('the file of a code cache', () => {
  const data = Buffer.from('what V8 wrote');
  const packed = packCodeCache({ program: 7, complete: true, data });

  it('gives back what was put in', () => {
    expect(unpackCodeCache(packed, 7)).toEqual({ program: 7, complete: true, data });
    expect(unpackCodeCache(packCodeCache({ program: 7, complete: false, data }), 7)?.complete).toBe(false);
  });

  it('is nothing for another program', () => {
    expect(unpackCodeCache(packed, 8)).toBeNull();
  });

  it('is nothing when a bit of it is wrong or any part is missing', () => {
    for (let at = 0; at < packed.length; at++) {
      // Whether it is complete is a hint that may be wrong.
      if (at >= 20 && at < 24) continue;
      const broken = Buffer.from(packed);
      broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
      expect(unpackCodeCache(broken, 7), `byte ${at}`).toBeNull();
      expect(unpackCodeCache(packed.subarray(0, at), 7), `${at} bytes`).toBeNull();
    }
  });
});
