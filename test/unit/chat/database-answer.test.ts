import { describe, expect, test } from 'vitest';
import { damageRows, storedTime } from '../../../src/chat/database-answer.ts';

describe('storedTime', () => {
  test.each<[string, unknown, string | null]>([
    ['seconds', 1_700_000_000, '2023-11-14T22:13:20Z'],
    ['seconds as a large integer', 1_700_000_000n, '2023-11-14T22:13:20Z'],
    ['milliseconds', 1_700_000_000_000, '2023-11-14T22:13:20Z'],
    ['nanoseconds', 1_700_000_000_123_456_789n, '2023-11-14T22:13:20Z'],
    ['text without a zone', '2023-11-14 22:13:20', '2023-11-14T22:13:20Z'],
    ['text with a zone', '2023-11-14T22:13:20+00:00', '2023-11-14T22:13:20Z'],
    ['nothing', null, null],
    ['zero', 0, null],
    ['a negative number', -5, null],
    ['no time', 'yesterday', null],
    ['infinity', Number.POSITIVE_INFINITY, null],
  ])('reads %s', (_what, value, expected) => {
    expect(storedTime(value)).toBe(expected);
  });
});

describe('damageRows', () => {
  test.each([
    ['a sound file', ['ok'], []],
    [
      'rows that break a constraint',
      [
        'NULL value in chat.title',
        'CHECK constraint failed in chat',
        'TEXT value in user.age',
        'non-INTEGER value in t.c',
      ],
      [],
    ],
    [
      'damage among them',
      [
        'NULL value in chat.title',
        'Tree 4 page 7 cell 0: invalid page number 99',
        'row 5 missing from index i',
      ],
      ['Tree 4 page 7 cell 0: invalid page number 99', 'row 5 missing from index i'],
    ],
  ])('of %s', (_what, rows, expected) => {
    expect(damageRows(rows)).toEqual(expected);
  });
});
