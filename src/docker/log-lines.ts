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
/** Where every stamp has its `T`. */
const STAMP_T_AT = 10;
const UPPER_T = 0x54;
const NOTHING = Buffer.alloc(0);
/** Longest form of the above with its blank. */
const TIMESTAMP_LENGTH = 36;

/**
 * Makes an assembler for a stream that was asked for with timestamps. The engine cuts a long line into messages of 16 KiB
 * that all have the stamp of the first; they are joined again. A message with another stamp begins another line, even
 * where no line end came before: the driver `local` loses that of a cut line (engine 20.10). Lines are cut again at the limit of
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
  /** Stamp of the message before; '' where that ended its line. */
  let openStamp = '';
  /** Bytes at the start of a message, held back until its stamp is whole; null inside a message. */
  let held: Buffer | null = null;

  const text = (bytes: Uint8Array): ContainerLogLine[] => {
    if (bytes.length === 0) return [];
    if (bytes[bytes.length - 1] === 0x0a) openStamp = '';
    return splitter.push(bytes).map(toLine);
  };
  /** A line of a terminal has its stamp in front of it; the rest of a line has the time of its beginning. */
  const toLine = (line: string): ContainerLogLine => {
    // most lines of a bar have none, and the expression is dear
    const match = line.charCodeAt(STAMP_T_AT) === UPPER_T ? TIMESTAMP.exec(line) : null;
    if (match?.[1] === undefined) return { timestamp, stream, text: line };
    timestamp = match[1];
    return { timestamp, stream, text: line.slice(match[0].length) };
  };
  const release = (): ContainerLogLine[] => {
    if (held === null) return [];
    const bytes = held;
    held = null;
    const match = TIMESTAMP.exec(bytes.subarray(0, TIMESTAMP_LENGTH).toString('latin1'));
    if (match?.[1] === undefined) return text(bytes);
    if (match[1] === openStamp) return text(bytes.subarray(match[0].length));
    const before = openStamp === '' ? [] : splitter.end().map(toLine);
    openStamp = match[1];
    return [...before, ...text(bytes)];
  };
  return {
    push(piece) {
      const lines: ContainerLogLine[] = [];
      if (piece.startsMessage) {
        lines.push(...release());
        held = NOTHING;
      }
      if (held === null) {
        lines.push(...text(piece.bytes));
        return lines;
      }
      held =
        held.length === 0
          ? Buffer.from(piece.bytes.buffer, piece.bytes.byteOffset, piece.bytes.byteLength)
          : Buffer.concat([held, piece.bytes]);
      if (held.length >= TIMESTAMP_LENGTH || held.includes(0x20)) lines.push(...release());
      return lines;
    },
    end: () => [...release(), ...splitter.end().map(toLine)].filter((line) => line.text !== ''),
  };
}
