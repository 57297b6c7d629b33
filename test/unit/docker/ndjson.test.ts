import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNdjsonReader } from '../../../src/docker/ndjson.ts';

function read(bytes: Uint8Array, cuts: number[] = []): { values: unknown[]; bad: number } {
  const reader = createNdjsonReader();
  const values: unknown[] = [];
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    values.push(...reader.push(bytes.subarray(from, cut)));
    from = cut;
  }
  values.push(...reader.push(bytes.subarray(from)), ...reader.end());
  return { values, bad: reader.badLines() };
}

describe('lines of JSON', () => {
  it('are the same wherever the stream is cut, in the middle of a character too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ status: fc.string({ unit: 'grapheme' }), n: fc.integer() }), { maxLength: 6 }),
        fc.array(fc.nat(400), { maxLength: 8 }),
        fc.boolean(),
        (lines, cuts, lastNewline) => {
          const text = lines.map((line) => JSON.stringify(line)).join('\r\n') + (lastNewline ? '\r\n' : '');
          const bytes = Buffer.from(text);
          const within = cuts.map((cut) => Math.min(cut, bytes.length));
          expect(read(bytes, within)).toEqual({ values: lines, bad: 0 });
        },
      ),
    );
  });

  it('are counted and left out when they are not JSON', () => {
    expect(read(Buffer.from('{"a":1}\n<html>\n\n{"a":2'))).toEqual({ values: [{ a: 1 }], bad: 2 });
  });

  it('are thrown away when they are longer than the limit, without losing the next', () => {
    const reader = createNdjsonReader(20);
    const values = [
      ...reader.push(Buffer.from(`"${'x'.repeat(15)}`)),
      ...reader.push(Buffer.from('yyyyyyyyy')),
    ];
    values.push(...reader.push(Buffer.from('yyyy"\n{"a":1}\n')));
    expect([values, reader.badLines()]).toEqual([[{ a: 1 }], 1]);
  });
});
