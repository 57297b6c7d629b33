import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimLines, journalText, readClaims } from '../../../../src/model/download/journal.ts';
import { createPartialFile } from '../../../../src/model/download/partial-file.ts';
import { countBytes, missingRanges } from '../../../../src/model/download/ranges.ts';
import { simulatedDisk } from '../../../support/simulated-disk.ts';

const file = { etag: 'e'.repeat(64), sizeBytes: 100 };

describe('a journal', () => {
  it('claims what was claimed, in the order in which it came', () => {
    const text = journalText(file, [{ from: 0, to: 10 }]) + claimLines([{ from: 50, to: 60 }]);
    expect(readClaims(`${text}10 20\n`, file)).toEqual([
      { from: 0, to: 20 },
      { from: 50, to: 60 },
    ]);
  });

  it('claims nothing of another blob, another size or another form', () => {
    const text = journalText(file, [{ from: 0, to: 10 }]);
    expect(readClaims(text, { ...file, etag: 'f'.repeat(64) })).toEqual([]);
    expect(readClaims(text, { ...file, sizeBytes: 101 })).toEqual([]);
    expect(readClaims(text.replace('parts-2', 'parts-9'), file)).toEqual([]);
    expect(readClaims('', file)).toEqual([]);
  });

  it.each(['10 2', '10', '10 20\0', '20 10\n', '0 101\n', '-1 5\n', '1.5 9\n', '\0\0\0\0\0\n'])(
    'claims nothing from a torn line %j on',
    (line) => {
      const text = `${journalText(file, [{ from: 0, to: 10 }])}${line}`;
      expect(readClaims(text, file)).toEqual([{ from: 0, to: 10 }]);
    },
  );

  it('never claims a byte outside of the file, whatever stands in it', () => {
    const lines = fc.array(
      fc.oneof(
        fc.string(),
        fc.tuple(fc.nat(200), fc.nat(200)).map((two) => two.join(' ')),
      ),
    );
    fc.assert(
      fc.property(lines, (some) => {
        const claims = readClaims(journalText(file, []) + some.join('\n'), file);
        expect(claims.every(({ from, to }) => from >= 0 && from < to && to <= file.sizeBytes)).toBe(true);
      }),
    );
  });
});

describe('a partial file', () => {
  /** The byte that belongs at a place; 0 is what nobody wrote. */
  const right = (at: number) => 1 + (at % 255);
  const bytes = (from: number, to: number) =>
    Uint8Array.from({ length: to - from }, (_, at) => right(from + at));
  const part = fc.record({ from: fc.nat(99), length: fc.integer({ min: 1, max: 30 }) });
  const run = fc.record({
    parts: fc.array(part, { minLength: 1, maxLength: 12 }),
    claimAfter: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    stepsUntilCrash: fc.nat(60),
    survival: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
  });

  it('has a journal that never claims a byte that is not on disk, in every order of parts, crashes and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(run, { minLength: 1, maxLength: 5 }),
        fc.scheduler(),
        async (runs, scheduler) => {
          let stored: { content: Uint8Array; journal: string } = {
            content: new Uint8Array(file.sizeBytes),
            journal: journalText(file, []),
          };
          for (const { parts, claimAfter, stepsUntilCrash, survival } of runs) {
            const claims = readClaims(stored.journal, file);
            const journal = journalText(file, claims);
            const { disk, crash } = simulatedDisk({ ...stored, journal }, (name) =>
              scheduler.schedule(Promise.resolve(), name),
            );
            const partial = createPartialFile(disk, claims);
            for (const [at, { from, length }] of parts.entries()) {
              const to = Math.min(file.sizeBytes, from + length);
              const written = partial.write([bytes(from, to)], from);
              if (claimAfter[at]) void written.then(() => partial.claim());
            }
            for (let step = 0; step < stepsUntilCrash && scheduler.count() > 0; step += 1)
              await scheduler.waitOne();
            let draw = 0;
            stored = crash(() => survival[draw++ % survival.length] ?? false);
            // Calls of the process that died change nothing any more.
            await scheduler.waitAll();
            const claimed = readClaims(stored.journal, file);
            for (const { from, to } of claimed) {
              expect(Buffer.from(stored.content.subarray(from, to)).equals(bytes(from, to))).toBe(true);
            }
          }
        },
      ),
    );
  });

  it('claims everything that was written once it is closed, and goes on from there', async () => {
    const { disk, crash } = simulatedDisk(
      { content: new Uint8Array(100), journal: journalText(file, []) },
      async () => {},
    );
    const partial = createPartialFile(disk, []);
    await Promise.all([partial.write([bytes(40, 70)], 40), partial.write([bytes(0, 10), bytes(10, 20)], 0)]);
    expect(partial.unclaimedBytes).toBe(50);
    await partial.close();
    const claims = readClaims(crash(() => true).journal, file);
    expect(claims).toEqual([
      { from: 0, to: 20 },
      { from: 40, to: 70 },
    ]);
    const again = createPartialFile(disk, claims);
    expect(again.present).toEqual(claims);
    expect(missingRanges(again.present, 100)).toEqual([
      { from: 20, to: 40 },
      { from: 70, to: 100 },
    ]);
  });

  it('claims nothing when the sync fails, and claims it with the next one', async () => {
    const { disk, crash } = simulatedDisk(
      { content: new Uint8Array(100), journal: journalText(file, []) },
      async () => {},
    );
    let broken = true;
    const failing = { ...disk, sync: () => (broken ? Promise.reject(new Error('EIO')) : disk.sync()) };
    const partial = createPartialFile(failing, []);
    await partial.write([bytes(0, 10)], 0);
    await expect(partial.claim()).rejects.toThrow('EIO');
    expect(partial.unclaimedBytes).toBe(10);
    broken = false;
    await partial.claim();
    expect(partial.unclaimedBytes).toBe(0);
    expect(countBytes(readClaims(crash(() => true).journal, file))).toBe(10);
  });
});
