import { createLineSplitter } from '../lib/lines.ts';
import type { ContainerLogLine } from './engine.ts';
import type { LogPiece } from './log-demultiplexer.ts';

/** Joins the pieces of a container's log to lines with their times. */
export interface LogLineAssembler {
  push(piece: LogPiece): ContainerLogLine[];
  /** What was left without a line end. */
  end(): ContainerLogLine[];
}

/** `2026-01-02T03:04:05.678901234Z ` in front of each message; the zone may be an offset. */
const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) /;
/** Longest form of the above with its blank. */
const TIMESTAMP_LENGTH = 36;

/**
 * Makes an assembler for a stream that was asked for with timestamps. The engine cuts a long line into messages of 16 KiB
 * and stamps each; only the first stamp of a line is kept, the others are taken out. Lines are cut again at the limit of
 * {@link createLineSplitter}, and at carriage returns (progress bars): each piece has the time of its message.
 */
export function createLogLineAssembler(): LogLineAssembler {
  const streams = { stdout: createStreamAssembler('stdout'), stderr: createStreamAssembler('stderr') };
  return {
    push: (piece) => streams[piece.stream].push(piece),
    end: () => [...streams.stdout.end(), ...streams.stderr.end()],
  };
}

function createStreamAssembler(stream: ContainerLogLine['stream']): LogLineAssembler {
  const splitter = createLineSplitter();
  let timestamp = '';
  let lineIsOpen = false;
  /** Bytes at the start of a message, held back until its stamp is whole; null inside a message. */
  let stamp: Buffer | null = null;

  const text = (bytes: Uint8Array): ContainerLogLine[] => {
    if (bytes.length === 0) return [];
    lineIsOpen = bytes[bytes.length - 1] !== 0x0a;
    return splitter.push(bytes).map(toLine);
  };
  /** A line of a terminal has its stamp in front of it; the rest of a line has the time of its beginning. */
  const toLine = (line: string): ContainerLogLine => {
    const match = TIMESTAMP.exec(line);
    if (match?.[1] === undefined) return { timestamp, stream, text: line };
    timestamp = match[1];
    return { timestamp, stream, text: line.slice(match[0].length) };
  };
  const releaseStamp = (): ContainerLogLine[] => {
    if (stamp === null) return [];
    const held = stamp;
    stamp = null;
    const match = TIMESTAMP.exec(held.subarray(0, TIMESTAMP_LENGTH).toString('latin1'));
    // a line that goes on keeps the time of its beginning, and must not have a stamp in its middle
    if (match === null || !lineIsOpen) return text(held);
    return text(held.subarray(match[0].length));
  };
  return {
    push(piece) {
      const lines: ContainerLogLine[] = [];
      if (piece.startsMessage) {
        lines.push(...releaseStamp());
        stamp = Buffer.alloc(0);
      }
      if (stamp === null) {
        lines.push(...text(piece.bytes));
        return lines;
      }
      stamp = Buffer.concat([stamp, piece.bytes]);
      if (stamp.length >= TIMESTAMP_LENGTH || stamp.includes(0x20)) lines.push(...releaseStamp());
      return lines;
    },
    end: () => [...releaseStamp(), ...splitter.end().map(toLine)].filter((line) => line.text !== ''),
  };
}
