import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MOTD_BEGIN, MOTD_END, mergeMotd, motdBlock } from '../../../src/deployment/motd-block.ts';

const block = (text: string) => `${MOTD_BEGIN}\n${text}\n${MOTD_END}\n`;

describe('mergeMotd', () => {
  test.each([
    ['an empty file', '', 'new', block('new')],
    ['a file of others', 'Welcome\n', 'new', `Welcome\n${block('new')}`],
    ['a file without a last line end', 'Welcome', 'new', `Welcome\n${block('new')}`],
    ['our block between others', `a\n${block('old')}b\n`, 'new\ntext', `a\n${block('new\ntext')}b\n`],
    ['two blocks of ours', `${block('x')}a\n${block('y')}b`, 'new', `${block('new')}a\nb`],
    ['a block that was cut', `a\n${MOTD_BEGIN}\nold\nte`, 'new', `a\n${block('new')}`],
    [
      'a block that was cut before another',
      `${MOTD_BEGIN}\nx\n${block('y')}b\n`,
      'new',
      `${block('new')}b\n`,
    ],
    ['an end without a beginning', `a\n${MOTD_END}\nb\n`, 'new', `a\n${MOTD_END}\nb\n${block('new')}`],
    [
      'line ends of other systems',
      `a\r\n${block('x').replaceAll('\n', '\r\n')}b\r\n`,
      'new',
      `a\r\n${block('new')}b\r\n`,
    ],
    ['the removal of our block', `a\n${block('old')}b\n`, '', 'a\nb\n'],
  ])('handles %s', (_what, existing, text, expected) => {
    expect(mergeMotd(existing, text)).toBe(expected);
  });

  const foreign = fc
    .array(fc.oneof(fc.string(), fc.constant(''), fc.constantFrom(MOTD_BEGIN, MOTD_END)), { maxLength: 8 })
    .map((lines) => lines.join('\n'));
  test('is the same done twice, and shows the block it was given', () => {
    fc.assert(
      fc.property(foreign, (existing) => {
        const once = mergeMotd(existing, 'ours\n\ntext');
        expect(mergeMotd(once, 'ours\n\ntext')).toBe(once);
        expect(motdBlock(once)).toBe('ours\n\ntext');
      }),
    );
  });

  test('keeps every byte of others across any number of blocks', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(fc.stringMatching(/^[a-z \n]*$/), { maxLength: 5 }),
        (existing, blocks) => {
          fc.pre(!existing.includes(MOTD_BEGIN) && (existing === '' || existing.endsWith('\n')));
          const text = blocks.reduce(mergeMotd, existing);
          expect(mergeMotd(text, '')).toBe(existing);
        },
      ),
    );
  });
});
