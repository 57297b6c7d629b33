import { describe, expect, it } from 'vitest';
import { parseUnitEnvironment } from '../../../src/host/environment-file.ts';

/** What systemd 252 made of each text (`systemd-run --pipe -p EnvironmentFile=FILE env`). */
describe('a file for EnvironmentFile=', () => {
  it.each<[string, string, Record<string, string>]>([
    ['plain values', 'A=1\nB=two words\n', { A: '1', B: 'two words' }],
    ['comments and lines without =', '# A=1\n;B=2\n  # C=3\nnonsense\n\nD=4', { D: '4' }],
    ['white space around', '  A =  x y  \n', { A: 'x y' }],
    ['# inside of a value', 'A=b # c\n', { A: 'b # c' }],
    ['single quotes', "A='b \\\" c'\n", { A: 'b \\" c' }],
    ['double quotes', 'A="b \\" \\$ \\n c"\n', { A: 'b " $ \\n c' }],
    ['quotes over two lines', 'A="b\nc"\nD=1\n', { A: 'b\nc', D: '1' }],
    ['a continued line', 'A=b\\\nc\nD=1\n', { A: 'bc', D: '1' }],
    ['an escaped character', 'A=b\\ \\#c\n', { A: 'b #c' }],
    ['an empty value', 'A=\nB=1\n', { A: '', B: '1' }],
    ['the later line', 'A=1\nA=2\n', { A: '2' }],
    ['Windows line ends', 'A=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['quotes inside of a value', 'A=x"y"z\n', { A: 'x"y"z' }],
    ['quotes after quotes', "A='a' 'b'\n", { A: 'ab' }],
    ['text after quotes', 'A="x"y\nB="q" # c\n', { A: 'xy', B: 'q# c' }],
    ['a \\ at the end', 'A=x\\', { A: 'x' }],
    ['quotes that are not closed', 'A="unclosed\nB=2\n', { A: 'unclosed\nB=2\n' }],
    ['white space before a joined line', 'A=x  \\\n  y\n', { A: 'x    y' }],
    ['no variables in values', 'A=$HOME\n', { A: '$HOME' }],
    ['export', 'export A=1\nB=2\n', { B: '2' }],
    ['names that are none', '1A=x\nA B=y\n=z\nC=1\n', { C: '1' }],
  ])('%s', (_what, text, values) => {
    expect(parseUnitEnvironment(text)).toEqual(values);
  });
});
