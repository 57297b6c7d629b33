import { describe, expect, test } from 'vitest';
import { parseStamp, secondsBetween } from '../../../src/deployment/moment.ts';
import { at, BOOT } from './fixtures.ts';

describe('parseStamp', () => {
  test.each([
    ['2026-11-23T17:00:03Z', { at: '2026-11-23T17:00:03Z', boot_id: null, uptime_seconds: 0 }],
    [
      `2026-11-23T17:00:03Z ${BOOT} 3.25\n`,
      { at: '2026-11-23T17:00:03Z', boot_id: BOOT, uptime_seconds: 3.25 },
    ],
    ['2026-11-23T17:00:03.123+00:00', { at: '2026-11-23T17:00:03Z', boot_id: null, uptime_seconds: 0 }],
    ['', null],
    ['yesterday', null],
    ['2026-13-45T99:00:03Z', null],
    ['2026-11-23T17:00:03+02:00', null],
    ['2026-11-23T17:00:03Z\nmore', null],
  ])('reads %j', (text, expected) => {
    expect(parseStamp(text)).toEqual(expected);
  });
});

describe('secondsBetween', () => {
  test('is never negative', () => {
    expect(secondsBetween(at(10), at(5))).toBe(0);
  });

  test('uses wall time where the boot is not known', () => {
    expect(
      secondsBetween({ ...at(10), boot_id: null }, { ...at(40), boot_id: null, uptime_seconds: 0 }),
    ).toBe(30);
  });
});
