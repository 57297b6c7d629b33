import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FileProgress,
  LARGEST_PART_BYTES,
  nextPart,
  type PartInFlight,
  partSize,
  SMALLEST_PART_BYTES,
} from '../../../../src/model/download/plan.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const empty = (sizeBytes: number): FileProgress => ({
  sizeBytes,
  present: [],
  sequential: false,
  closed: false,
});
const flying = (part: Partial<PartInFlight> & { from: number; to: number }): PartInFlight => ({
  file: 0,
  position: part.from,
  bytesPerSecond: 50_000_000,
  ...part,
});

describe('the next part', () => {
  it('is the first missing one, so that the start of the file grows without a gap', () => {
    const file = { ...empty(10 * GIB), present: [{ from: 0, to: 5 * MIB }] };
    const inFlight = [flying({ from: 5 * MIB, to: 13 * MIB })];
    expect(nextPart([file], inFlight, 8)).toEqual({
      kind: 'fresh',
      part: { file: 0, from: 13 * MIB, to: 45 * MIB },
    });
  });

  it('fills a hole that an interrupted download left, and no more', () => {
    const present = [
      { from: 0, to: MIB },
      { from: 3 * MIB, to: 10 * GIB },
    ];
    expect(nextPart([{ ...empty(10 * GIB), present }], [], 8)).toEqual({
      kind: 'fresh',
      part: { file: 0, from: MIB, to: 3 * MIB },
    });
  });

  it('is of the next file when the first has nothing left to begin', () => {
    const inFlight = [flying({ from: 0, to: 100 })];
    expect(nextPart([empty(100), empty(50)], inFlight, 8)).toMatchObject({
      part: { file: 1, from: 0, to: 50 },
    });
  });

  it('is not of a file whose connections rest or that is being verified', () => {
    expect(nextPart([{ ...empty(100), closed: true }], [], 8)).toBeNull();
  });

  it('is the whole file over one connection where ranges are ignored', () => {
    const file = { ...empty(GIB), present: [{ from: 0, to: MIB }], sequential: true };
    expect(nextPart([file], [], 8)).toEqual({ kind: 'fresh', part: { file: 0, from: 0, to: GIB } });
    expect(nextPart([file], [flying({ from: 0, to: GIB })], 8)).toBeNull();
  });

  it('is half of the part that would take longest, when nothing else is left', () => {
    const inFlight = [
      flying({ from: 0, to: 8 * MIB, bytesPerSecond: 2 * MIB }),
      flying({ from: 8 * MIB, to: 16 * MIB, position: 10 * MIB, bytesPerSecond: MIB }),
    ];
    expect(nextPart([empty(16 * MIB)], inFlight, 8)).toEqual({
      kind: 'share',
      part: { file: 0, from: 13 * MIB, to: 16 * MIB },
      of: 1,
    });
  });

  it('is nearly all of a part whose connection is much slower than usual', () => {
    const inFlight = [flying({ from: 0, to: 10 * MIB, bytesPerSecond: 0.1 * MIB })];
    expect(nextPart([empty(10 * MIB)], inFlight, 8, 9.9 * MIB)).toMatchObject({
      part: { from: Math.floor(0.1 * MIB) },
    });
  });

  it('takes nothing from a file that is closed, and nothing that is not worth a connection', () => {
    const slow = [flying({ from: 0, to: 10 * MIB, bytesPerSecond: 0.1 * MIB })];
    expect(nextPart([{ ...empty(10 * MIB), closed: true }], slow, 8)).toBeNull();
    expect(nextPart([empty(10 * MIB)], slow, 8, 0)).toBeNull();
    expect(nextPart([empty(10 * MIB)], slow, 8, 100)).toBeNull();
  });

  it('is none when all that is on its way comes soon', () => {
    const inFlight = [flying({ from: 0, to: 16 * MIB })];
    expect(nextPart([empty(16 * MIB)], inFlight, 8)).toBeNull();
  });

  it('never overlaps another one, and all of them together are what was missing', () => {
    const files = fc.array(
      fc.record({ sizeBytes: fc.integer({ min: 0, max: 200 * MIB }), holes: fc.array(fc.nat(200 * MIB)) }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(files, fc.integer({ min: 2, max: 16 }), (some, width) => {
        const progress = some.map(({ sizeBytes, holes }) => ({
          ...empty(sizeBytes),
          present:
            holes.length > 0
              ? [{ from: 0, to: Math.min(sizeBytes, holes[0] ?? 0) }].filter(({ to }) => to > 0)
              : [],
        }));
        const parts: PartInFlight[] = [];
        for (;;) {
          const next = nextPart(progress, parts, width);
          if (next === null) break;
          expect(next.kind).toBe('fresh');
          const { part } = next;
          expect(part.to).toBeGreaterThan(part.from);
          const overlaps = parts.some(
            (other) => other.file === part.file && other.from < part.to && part.from < other.to,
          );
          expect(overlaps).toBe(false);
          parts.push(flying({ ...part, bytesPerSecond: null }));
        }
        const missing = progress.reduce((sum, file) => sum + file.sizeBytes - (file.present[0]?.to ?? 0), 0);
        expect(parts.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(missing);
      }),
    );
  });
});

describe('the size of a part', () => {
  it('is 32 MiB while much is left, and 8 at the end', () => {
    expect(partSize(10 * GIB, 8)).toBe(LARGEST_PART_BYTES);
    expect(partSize(200 * MIB, 8)).toBe(13 * MIB);
    expect(partSize(50 * MIB, 16)).toBe(SMALLEST_PART_BYTES);
  });
});
