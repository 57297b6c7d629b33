/** Bytes `from` up to, not including, `to`. */
export interface ByteRange {
  from: number;
  to: number;
}

/** Ranges that do not overlap or touch each other, in rising order. */
export type RangeSet = readonly ByteRange[];

/** The set with one more range; what overlaps or touches becomes one. */
export function addRange(set: RangeSet, added: ByteRange): RangeSet {
  if (added.to <= added.from) return set;
  const apart = set.filter(({ from, to }) => to < added.from || from > added.to);
  const joined = set.filter(({ from, to }) => to >= added.from && from <= added.to);
  const from = Math.min(added.from, joined[0]?.from ?? added.from);
  const to = Math.max(added.to, joined.at(-1)?.to ?? added.to);
  return [...apart, { from, to }].sort((a, b) => a.from - b.from);
}

/** What of the first `sizeBytes` bytes is not in the set. */
export function missingRanges(set: RangeSet, sizeBytes: number): RangeSet {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const { from, to } of set) {
    if (from > at) missing.push({ from: at, to: Math.min(from, sizeBytes) });
    at = Math.max(at, to);
    if (at >= sizeBytes) return missing;
  }
  if (at < sizeBytes) missing.push({ from: at, to: sizeBytes });
  return missing;
}

/** Number of bytes in the set. */
export function countBytes(set: RangeSet): number {
  return set.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** How many bytes from the start on are there without a gap. */
export function prefixLength(set: RangeSet): number {
  const [first] = set;
  return first?.from === 0 ? first.to : 0;
}
