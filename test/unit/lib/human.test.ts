import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatBytesOf,
  formatDuration,
  formatEstimate,
  formatPercent,
} from '../../../src/lib/human.ts';
import { toAsciiLine, toPlainLine, wrapLine } from '../../../src/lib/plain-text.ts';

describe('amounts for people', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [999.6, '1 kB'],
    [212_000_000, '212 MB'],
    [999_600_000, '1.0 GB'],
    [5_800_000_000, '5.8 GB'],
    [99_960_000_000, '100 GB'],
    [2e21, '2000000 PB'],
    [-5, '0 B'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [5.8e9, 14.1e9, '5.8/14.1 GB'],
    [812e6, 14.1e9, '812 MB/14.1 GB'],
    [0, 14.1e9, '0 B/14.1 GB'],
  ])('%d of %d bytes are %s', (done, total, text) => {
    expect(formatBytesOf(done, total)).toBe(text);
  });

  test.each([
    [0.4, '0 s'],
    [59.6, '1 min'],
    [200, '3 min 20 s'],
    [7500, '2 h 05 min'],
    [200_000, '2 d 7 h'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  test.each([
    [0, 'about 10 s'],
    [39, 'about 40 s'],
    [56, 'about 1 min'],
    [200, 'about 3 min'],
    [4200, 'about 1 h 10 min'],
  ])('%d seconds left are %s', (seconds, text) => {
    expect(formatEstimate(seconds)).toBe(text);
  });

  test('only all of it is 100 percent', () => {
    expect([formatPercent(99.99), formatPercent(100), formatPercent(120)]).toEqual([
      '99 %',
      '100 %',
      '100 %',
    ]);
  });
});

describe('foreign text', () => {
  test.each([
    ['colours and cursor movements', 'a\u001b[31;1mb\u001b[2Jc', 'abc'],
    ['window titles and links', 'a\u001b]0;title\u0007b\u001b]8;;http://x\u001b\\c', 'abc'],
    ['an unfinished sequence', 'a\u001b]0;no end\nb', 'a b'],
    ['eight-bit sequences', 'a\u009b31mb\u009d0;t\u009cc', 'abc'],
    ['line ends and tabs', ' a\r\nb\tc ', 'a b c'],
    ['text that runs backwards', 'a\u202egpj.exe', 'a gpj.exe'],
    ['the letters of others', 'größer 模型', 'größer 模型'],
  ])('%s become harmless', (_what, text, expected) => {
    expect(toPlainLine(text)).toBe(expected);
  });

  test('is exactly a column per character in ASCII', () => {
    expect(toAsciiLine('größer – “模型”…')).toBe('gro?er - "??"...');
  });

  test.each([
    ['a b c', 3, '', ['a b', 'c']],
    ['abcdefg h', 3, '', ['abc', 'def', 'g h']],
    ['aa bb', 4, '  ', ['  aa', '  bb']],
    ['', 4, '', []],
  ])('%j wraps at %d', (text, width, indent, lines) => {
    expect(wrapLine(text, width, indent)).toEqual(lines);
  });
});
