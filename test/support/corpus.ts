import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A log of test/corpus and what is to be found in it. */
export interface CorpusLog {
  /** `family/name`. */
  name: string;
  /** Null: nothing has failed. */
  expect: string | null;
  /** Null: none; undefined: not checked. */
  signature: string | null | undefined;
  exitCode: number | null;
  oomKilled: boolean;
  engineError: string | null;
  /** As it was written, with its carriage returns. */
  text: string;
}

const TOP = join(import.meta.dirname, '..', 'corpus');

/** Reads all logs of test/corpus; its README tells the layout. */
export function readCorpus(): CorpusLog[] {
  return readdirSync(TOP, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.txt'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map(readOne);
}

function readOne(file: string): CorpusLog {
  const name = relative(TOP, file).replace(/\.txt$/, '');
  const whole = readFileSync(file, 'utf8');
  const at = whole.indexOf('\n--\n');
  if (at < 0) throw new Error(`${name} has no line "--"`);
  const header = new Map(
    whole
      .slice(0, at)
      .split('\n')
      .map((line): [string, string] => {
        const colon = line.indexOf(':');
        if (colon < 0) throw new Error(`${name}: "${line}" is not "key: value"`);
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
  );
  const expected = header.get('expect');
  if (expected === undefined) throw new Error(`${name} does not say what to expect`);
  const signature = header.get('signature');
  const exitCode = header.get('exit-code');
  return {
    name,
    expect: expected === 'none' ? null : expected,
    signature: signature === 'none' ? null : signature,
    exitCode: exitCode === undefined ? null : Number(exitCode),
    oomKilled: header.get('oom-killed') === 'yes',
    engineError: header.get('engine-error') ?? null,
    text: whole.slice(at + 4),
  };
}
