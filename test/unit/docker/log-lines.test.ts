import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createLogDemultiplexer,
  createRawDemultiplexer,
  type LogDemultiplexer,
} from '../../../src/docker/log-demultiplexer.ts';
import { createLogLineAssembler } from '../../../src/docker/log-lines.ts';

const STAMPS = ['2026-01-02T03:04:05.000000001Z', '2026-01-02T03:04:06.123456789Z'] as const;

function frame(stream: 0 | 1 | 2, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

function linesOf(chunks: Buffer[], demultiplexer: LogDemultiplexer = createLogDemultiplexer()) {
  const assembler = createLogLineAssembler();
  const pieces = chunks.flatMap((chunk) => demultiplexer.push(chunk));
  return [...pieces.flatMap((piece) => assembler.push(piece)), ...assembler.end()];
}

function cutAt(bytes: Buffer, cuts: number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

describe('frames of a log', () => {
  it('give the same lines wherever the stream is cut', () => {
    const message = fc.record({
      stream: fc.constantFrom(1 as const, 2 as const),
      stamp: fc.constantFrom(...STAMPS),
      text: fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n]/.test(text)),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.nat(600), { maxLength: 10 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map((m) => frame(m.stream, `${m.stamp} ${m.text}\n`)));
          expect(linesOf(cutAt(bytes, cuts))).toEqual(
            messages.map((m) => ({
              timestamp: m.stamp,
              stream: m.stream === 1 ? 'stdout' : 'stderr',
              text: m.text,
            })),
          );
        },
      ),
    );
  });

  it('may be tens of thousands in one chunk', () => {
    const chunk = Buffer.concat(Array.from({ length: 50_000 }, () => frame(1, `${STAMPS[0]} x\n`)));
    expect(linesOf([chunk])).toHaveLength(50_000);
  });

  it('of 16 MiB pass on without being collected', () => {
    const bytes = frame(1, Buffer.alloc(16 * 1024 * 1024, 'x'));
    const demultiplexer = createLogDemultiplexer();
    let longest = 0;
    let total = 0;
    for (let at = 0; at < bytes.length; at += 65_536) {
      for (const piece of demultiplexer.push(bytes.subarray(at, at + 65_536))) {
        longest = Math.max(longest, piece.bytes.length);
        total += piece.bytes.length;
      }
    }
    expect([total, longest]).toEqual([16 * 1024 * 1024, 65_536]);
  });

  it('without content are passed over', () => {
    expect(linesOf([frame(1, ''), frame(2, `${STAMPS[0]} a\n`), frame(1, '')])).toHaveLength(1);
  });

  it('of the two streams do not mix when both have an unfinished line', () => {
    const chunks = [
      frame(1, `${STAMPS[0]} out`),
      frame(2, `${STAMPS[0]} err`),
      frame(1, `${STAMPS[0]} put\n`),
      frame(2, `${STAMPS[0]} or\n`),
    ];
    expect(linesOf(chunks).map((line) => `${line.stream} ${line.text}`)).toEqual([
      'stdout output',
      'stderr error',
    ]);
  });
});

describe('lines of a log', () => {
  it('that the engine cut into messages of 16 KiB are joined without the stamps inside them', () => {
    const lines = linesOf([frame(1, `${STAMPS[0]} begin-`), frame(1, `${STAMPS[0]} end\n`)]);
    expect(lines).toEqual([{ timestamp: STAMPS[0], stream: 'stdout', text: 'begin-end' }]);
  });

  it('end where a message with another stamp begins: the driver "local" loses the end of a cut line', () => {
    const lines = linesOf([
      frame(1, `${STAMPS[0]} begin-`),
      frame(1, `${STAMPS[0]} end`),
      frame(1, `${STAMPS[1]} next\n`),
    ]);
    expect(lines.map((line) => line.text)).toEqual(['begin-end', 'next']);
  });

  it('are cut at carriage returns, each piece with the time of its message', () => {
    const lines = linesOf([frame(2, `${STAMPS[0]} 10%\r20%\r30%\n`), frame(2, `${STAMPS[1]} done\n`)]);
    expect(lines.map((line) => `${line.timestamp} ${line.text}`)).toEqual([
      `${STAMPS[0]} 10%`,
      `${STAMPS[0]} 20%`,
      `${STAMPS[0]} 30%`,
      `${STAMPS[1]} done`,
    ]);
  });

  it('without an end are given at the end of the stream', () => {
    expect(linesOf([frame(1, `${STAMPS[0]} last words`)]).map((line) => line.text)).toEqual(['last words']);
  });

  it('of a terminal have no frames', () => {
    const bytes = Buffer.from(`${STAMPS[0]} one\r\n${STAMPS[1]} two\r\n`);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(linesOf(cutAt(bytes, [cut]), createRawDemultiplexer())).toEqual([
        { timestamp: STAMPS[0], stream: 'stdout', text: 'one' },
        { timestamp: STAMPS[1], stream: 'stdout', text: 'two' },
      ]);
    }
  });
});
