import { addRange, type ByteRange, missingRanges, type RangeSet } from './ranges.ts';

const MIB = 1024 * 1024;
/** Parts are as large as this while much is left, so that a round trip between two of them costs little. */
export const LARGEST_PART_BYTES = 32 * MIB;
/** Parts shrink to this towards the end, so that all connections end at about the same time. */
export const SMALLEST_PART_BYTES = 8 * MIB;
/** Each connection should still get so many of the parts that are left. */
const PARTS_PER_CONNECTION = 2;
/** A part that would take so much longer is shared with a connection that has nothing else to do. */
const SHARE_AFTER_MS = 3_000;
/** A smaller rest is not shared: opening a connection costs as much. */
const SHARE_FROM_BYTES = 64 * 1024;

/** What the planner knows of a file that is not whole. */
export interface FileProgress {
  sizeBytes: number;
  /** Bytes that are in the file. */
  present: RangeSet;
  /** The other side ignores ranges: the file comes over one connection, from its start. */
  sequential: boolean;
  /** Nothing of it may be begun now: it is being verified, or its connections rest. */
  closed: boolean;
}

/** A part of a file, asked for over one connection. */
export interface Part extends ByteRange {
  /** Index of its file. */
  file: number;
}

/** A part that is on its way. */
export interface PartInFlight extends Part {
  /** Where its next byte belongs. */
  position: number;
  /** How fast it has come, in bytes a second; null when that is not known yet. */
  bytesPerSecond: number | null;
}

/** What a free connection does next: a part of its own, or the end of one that another one is slow with. */
export type NextPart = { kind: 'fresh'; part: Part } | { kind: 'share'; part: Part; of: number };

/**
 * Chooses the next part: the first missing one of the first file that has any, so that the contiguous start of each
 * file grows and its hash follows. `width` is the number of connections in use. Null when nothing is left to do.
 */
export function nextPart(
  files: readonly FileProgress[],
  inFlight: readonly PartInFlight[],
  width: number,
  usualRate: number | null = null,
): NextPart | null {
  const open = files.map((file, index) => unassigned(file, index, inFlight));
  const left = open.flat().reduce((sum, { from, to }) => sum + to - from, 0);
  const size = partSize(left, width);
  for (const [file, [first]] of open.entries()) {
    if (first === undefined) continue;
    const whole = files[file]?.sequential === true;
    const to = whole ? first.to : Math.min(first.to, first.from + size);
    return { kind: 'fresh', part: { file, from: first.from, to } };
  }
  return sharedPart(files, inFlight, usualRate);
}

/** Size of the next part by what nobody has begun yet: 32 MiB, towards the end 8. */
export function partSize(leftBytes: number, width: number): number {
  const fair = Math.ceil(leftBytes / Math.max(1, width * PARTS_PER_CONNECTION) / MIB) * MIB;
  return Math.min(LARGEST_PART_BYTES, Math.max(SMALLEST_PART_BYTES, fair));
}

function unassigned(file: FileProgress, index: number, inFlight: readonly PartInFlight[]): RangeSet {
  if (file.closed) return [];
  const own = inFlight.filter((part) => part.file === index);
  if (file.sequential) {
    const busy = own.length > 0 || missingRanges(file.present, file.sizeBytes).length === 0;
    return busy ? [] : [{ from: 0, to: file.sizeBytes }];
  }
  return missingRanges(own.reduce<RangeSet>(addRange, file.present), file.sizeBytes);
}

/** The end of the part that would take longest, so that both connections end at about the same time. */
function sharedPart(
  files: readonly FileProgress[],
  inFlight: readonly PartInFlight[],
  usualRate: number | null,
): NextPart | null {
  let longest: { of: number; part: PartInFlight; rate: number; ms: number } | null = null;
  for (const [of, part] of inFlight.entries()) {
    const bytes = part.to - part.position;
    const file = files[part.file];
    if (part.bytesPerSecond === null || file === undefined || file.sequential || file.closed) continue;
    if (bytes < SHARE_FROM_BYTES) continue;
    const rate = Math.max(1, part.bytesPerSecond);
    const ms = (bytes / rate) * 1000;
    if (ms > Math.max(SHARE_AFTER_MS, longest?.ms ?? 0)) longest = { of, part, rate, ms };
  }
  if (longest === null) return null;
  const { part, rate, of } = longest;
  const kept = Math.floor(((part.to - part.position) * rate) / (rate + (usualRate ?? rate)));
  const from = part.position + kept;
  if (part.to - from < SHARE_FROM_BYTES) return null;
  return { kind: 'share', part: { file: part.file, from, to: part.to }, of };
}
