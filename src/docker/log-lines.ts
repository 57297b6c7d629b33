import { asBuffer, createLineSplitter } from '../lib/lines.ts';
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
const BLANK = 0x20;
const LINE_FEED = 0x0a;
const NOTHING = Buffer.alloc(0);
/** Longest form of the above with its blank. */
const TIMESTAMP_LENGTH = 36;

/**
 * Makes an assembler for a stream that was asked for with timestamps. The engine cuts a long line into messages of 16 KiB
 * that all have the stamp of the first; they are joined again. A message with another stamp begins another line, even
 * where no line end came before: the driver `local` loses that of a cut line (engine 20.10). Lines are cut again at the limit of
 * {@link createLineSplitter}, and at carriage returns (progress bars): each piece has the time of its message.
 * `clean` is applied to the text of each line.
 */
export function createLogLineAssembler(clean: (text: string) => string = (text) => text): LogLineAssembler {
  const stdout = createStreamAssembler('stdout', clean);
  const stderr = createStreamAssembler('stderr', clean);
  return {
    push(piece) {
      const lines: ContainerLogLine[] = [];
      (piece.stream === 'stdout' ? stdout : stderr).push(piece, lines);
      return lines;
    },
    end() {
      const lines: ContainerLogLine[] = [];
      stdout.end(lines);
      stderr.end(lines);
      return lines.filter((line) => line.text !== '');
    },
  };
}

/** The lines of one stream; adds what is complete to `lines`. */
interface StreamAssembler {
  push(piece: LogPiece, lines: ContainerLogLine[]): void;
  end(lines: ContainerLogLine[]): void;
}

function createStreamAssembler(
  stream: ContainerLogLine['stream'],
  clean: (text: string) => string,
): StreamAssembler {
  const splitter = createLineSplitter();
  let timestamp = '';
  /** Stamp of the message before; '' where that ended its line. */
  let openStamp = '';
  /** Bytes at the start of a message, held back until its stamp is whole; null inside a message. */
  let held: Buffer | null = null;

  const take = (texts: readonly string[], lines: ContainerLogLine[]): void => {
    for (const text of texts) lines.push(toLine(text));
  };
  const read = (bytes: Buffer, lines: ContainerLogLine[]): void => {
    if (bytes.length === 0) return;
    if (bytes[bytes.length - 1] === LINE_FEED) openStamp = '';
    take(splitter.push(bytes), lines);
  };
  /** A line of a terminal has its stamp in front of it; the rest of a line has the time of its beginning. */
  const toLine = (line: string): ContainerLogLine => {
    // most lines of a bar have none, and the expression is dear
    const match = line.charCodeAt(STAMP_T_AT) === UPPER_T ? TIMESTAMP.exec(line) : null;
    if (match?.[1] === undefined) return { timestamp, stream, text: clean(line) };
    timestamp = match[1];
    return { timestamp, stream, text: clean(line.slice(match[0].length)) };
  };
  /** A message, or its beginning, with its whole stamp. */
  const begin = (bytes: Buffer, lines: ContainerLogLine[]): void => {
    // most messages are whole lines, whose stamp says nothing about the line before
    const whole = openStamp === '' && bytes[bytes.length - 1] === LINE_FEED;
    const match = whole ? null : TIMESTAMP.exec(bytes.toString('latin1', 0, TIMESTAMP_LENGTH));
    if (match?.[1] === undefined) {
      read(bytes, lines);
    } else if (match[1] === openStamp) {
      read(bytes.subarray(match[0].length), lines);
    } else {
      if (openStamp !== '') take(splitter.end(), lines);
      openStamp = match[1];
      read(bytes, lines);
    }
  };
  const release = (lines: ContainerLogLine[]): void => {
    if (held === null) return;
    const bytes = held;
    held = null;
    begin(bytes, lines);
  };
  return {
    push(piece, lines) {
      const bytes = asBuffer(piece.bytes);
      if (piece.startsMessage) {
        release(lines);
        held = NOTHING;
      }
      if (held === null) return read(bytes, lines);
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      if (held.length >= TIMESTAMP_LENGTH || held.includes(BLANK)) release(lines);
    },
    end(lines) {
      release(lines);
      take(splitter.end(), lines);
    },
  };
}
