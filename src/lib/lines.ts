import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is cut into pieces, so that a stream without line ends cannot fill the memory. */
const MAXIMUM_LINE_LENGTH = 16 * 1024;

const LINE_ENDS = /[\r\n]+/;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Bytes below are whole characters of UTF-8. */
const ASCII_END = 0x80;

/** Cuts a stream of bytes into lines at \n, \r\n and \r (progress bars end with \r). */
export interface LineSplitter {
  /** Takes the next bytes and returns the lines that they complete, without their ends; empty lines are dropped. */
  push(chunk: Uint8Array): string[];
  /** Returns what is left at the end of the stream as a last line, or nothing. */
  end(): string[];
}

/** Makes a splitter that keeps UTF-8 characters whole across chunks. */
export function createLineSplitter(maximumLength: number = MAXIMUM_LINE_LENGTH): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  /** Nothing is held back: no line has begun, no character is cut. */
  let fresh = true;
  const cut = (text: string): string[] => {
    const pieces = (rest + text).split(LINE_ENDS);
    rest = pieces.pop() ?? '';
    while (rest.length > maximumLength) {
      pieces.push(rest.slice(0, maximumLength));
      rest = rest.slice(maximumLength);
    }
    const lines: string[] = [];
    for (const piece of pieces) {
      if (piece.length > maximumLength) lines.push(...limit(piece, maximumLength));
      else if (piece !== '') lines.push(piece);
    }
    return lines;
  };
  return {
    push(chunk) {
      const bytes = asBuffer(chunk);
      if (fresh && bytes.length <= maximumLength && isOneLine(bytes)) {
        return bytes.length === 1 ? [] : [bytes.toString('utf8', 0, bytes.length - 1)];
      }
      const lines = cut(decoder.write(bytes));
      fresh = rest === '' && (bytes.at(-1) ?? ASCII_END) < ASCII_END;
      return lines;
    },
    end() {
      const last = [...cut(decoder.end()), rest].filter((piece) => piece !== '');
      rest = '';
      fresh = true;
      return last;
    },
  };
}

/** The same bytes, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Most messages of a log are exactly one line with its end. */
function isOneLine(bytes: Buffer): boolean {
  const last = bytes.length - 1;
  return bytes.indexOf(LINE_FEED) === last && last >= 0 && bytes.indexOf(CARRIAGE_RETURN) === -1;
}

function limit(line: string, maximumLength: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < line.length; at += maximumLength) pieces.push(line.slice(at, at + maximumLength));
  return pieces;
}
