import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addRange,
  countBytes,
  missingRanges,
  prefixLength,
  type RangeSet,
} from '../../../../src/model/download/ranges.ts';

const SIZE = 60;
const range = fc
  .tuple(fc.nat(SIZE), fc.nat(SIZE))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

describe('a set of ranges', () => {
  it('holds the bytes of all ranges that were added, sorted and apart', () => {
    fc.assert(
      fc.property(fc.array(range), (ranges) => {
        const bytes = new Set(
          ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at)),
        );
        const set = ranges.reduce<RangeSet>(addRange, []);
        expect(countBytes(set)).toBe(bytes.size);
        for (const { from, to } of set)
          for (let at = from; at < to; at += 1) expect(bytes.has(at)).toBe(true);
        for (const [at, { from }] of set.entries())
          if (at > 0) expect(from).toBeGreaterThan(set[at - 1]?.to ?? from);
      }),
    );
  });

  it('and what is missing of it are the whole file', () => {
    fc.assert(
      fc.property(fc.array(range), (ranges) => {
        const set = ranges.reduce<RangeSet>(addRange, []);
        const missing = missingRanges(set, SIZE);
        expect(countBytes(set) + countBytes(missing)).toBe(SIZE);
        expect([...missing, ...set].reduce<RangeSet>(addRange, [])).toEqual([{ from: 0, to: SIZE }]);
      }),
    );
  });

  it('knows how far it goes from the start without a gap', () => {
    expect(prefixLength([])).toBe(0);
    expect(prefixLength([{ from: 1, to: 9 }])).toBe(0);
    expect(
      prefixLength([
        { from: 0, to: 9 },
        { from: 10, to: 12 },
      ]),
    ).toBe(9);
  });
});
