import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvironmentFile, setInEnvironmentFile } from '../../../src/compose/environment-file.ts';

const values = (text: string, outer?: Record<string, string>) =>
  parseEnvironmentFile(text, '/x/.env', outer).values;
const errors = (text: string) => parseEnvironmentFile(text, '/x/.env').errors;

describe('reading an environment file', () => {
  it('reads names with = and with :, with and without export, and spaces around the sign', () => {
    expect(values('A=1\nB = 2\nexport C=3\nD: 4\n  E=5\n')).toEqual({
      A: '1',
      B: '2',
      C: '3',
      D: '4',
      E: '5',
    });
  });

  it('ends a bare value before a comment, but not at a # inside of a word', () => {
    expect(values('A=one two   # three\nB=a#b\n# C=1\nD= #three\n')).toEqual({
      A: 'one two',
      B: 'a#b',
      D: '#three',
    });
  });

  it('takes single quotes literally, but for the escaped quote', () => {
    expect(values(`A='x $B \\n \\' y' # end`)).toEqual({ A: `x $B \\n ' y` });
  });

  it('knows escapes and expressions in double quotes', () => {
    expect(values('B=b\nA="x ${B} \\"q\\" \\t\\n\\\\ \\$B \\q \\0101"')['A']).toBe('x b "q" \t\n\\ $B \\q A');
  });

  it('reads a quoted value over several lines', () => {
    expect(values('A="one\ntwo"\nB=3')).toEqual({ A: 'one\ntwo', B: '3' });
  });

  it('sees names from outside first, then earlier ones of the file', () => {
    expect(values('A=inside\nB=$A-$C\nC=late', { A: 'outside' })).toEqual({
      A: 'inside',
      B: 'outside-',
      C: 'late',
    });
  });

  it('takes a name without value from outside, and leaves it out where it is not there', () => {
    expect(values('A\nB\n', { A: 'x' })).toEqual({ A: 'x' });
  });

  it('reads lines that end with CR LF, and a byte order mark at the start', () => {
    expect(values('\uFEFFA=1\r\nB="2"\r\n')).toEqual({ A: '1', B: '2' });
  });

  it('takes a dollar before no name as itself, as in a password', () => {
    expect(values('A=pa$\nB="$-$1"')).toEqual({ A: 'pa$', B: '$-$1' });
  });

  it('keeps the last of two assignments', () => {
    expect(values('A=1\nA=2')).toEqual({ A: '2' });
  });

  it('names line, column and name of every error, and reads the other lines', () => {
    const text = 'A=1\n=x\nB C\n  D="open\nE=${F:?needed}\n';
    expect(errors(text).map(({ line, column, key }) => ({ line, column, key }))).toEqual([
      { line: 2, column: 1, key: '' },
      { line: 3, column: 1, key: 'B' },
      { line: 4, column: 3, key: 'D' },
      { line: 5, column: 1, key: 'E' },
    ]);
    expect(values(text)).toEqual({ A: '1' });
  });

  it('refuses words after a closing quote', () => {
    expect(errors('A="x" y')[0]?.message).toContain('only a comment may follow');
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AB=:\'"\\$${}#\n \texport') }), (text) => {
        parseEnvironmentFile(text, 'f');
      }),
    );
  });
});

describe('setting values in an environment file', () => {
  it('replaces in place, adds at the end, and keeps comments, order and everything else', () => {
    const text = '# top\nexport A=1 # why\n\nB="x\ny"\nC=3';
    expect(setInEnvironmentFile(text, { B: 'new', D: 'a b', A: '2' })).toBe(
      "# top\nexport A=2 # why\n\nB=new\nC=3\nD='a b'\n",
    );
  });

  it('gives a value to a name that stands alone', () => {
    expect(setInEnvironmentFile('A\nB=1\n', { A: 'x' })).toBe('A=x\nB=1\n');
  });

  it('does not let the comment behind a value that is emptied become the value', () => {
    expect(values(setInEnvironmentFile('B="q" # x', { B: '' }))).toEqual({ B: '' });
  });

  it('leaves the text as it is when there is nothing to set', () => {
    const text = 'A=1 \n\n # c';
    expect(setInEnvironmentFile(text, {})).toBe(text);
  });

  it('reads back as exactly the values that were set, whatever they hold', () => {
    const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/);
    const value = fc.string({ unit: fc.constantFrom(...'ab \'"\\$${}#\n\r=:;é'), maxLength: 12 });
    const before = fc.constantFrom('', '# c\n', 'A=1\n', 'B="q" # x', "export C='z'\nA=0\n");
    fc.assert(
      fc.property(before, fc.dictionary(name, value), (text, wanted) => {
        const after = parseEnvironmentFile(setInEnvironmentFile(text, wanted), 'f');
        expect(after.errors).toEqual([]);
        expect(after.values).toEqual({ ...parseEnvironmentFile(text, 'f').values, ...wanted });
      }),
    );
  });
});
