import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is thrown away: no engine sends one, and it would fill the memory. */
const MAXIMUM_JSON_LINE_LENGTH = 4 * 1024 * 1024;

/** Reads one JSON value a line from a stream of bytes. A line that is not JSON is counted and left out. */
export interface NdjsonReader {
  /** Takes the next bytes and returns the values of the lines that they complete. */
  push(chunk: Uint8Array): unknown[];
  /** Returns the value of a last line without line end. */
  end(): unknown[];
  /** Lines that were not JSON, or too long. */
  badLines(): number;
}

/** Makes a reader; a chunk may end anywhere, in the middle of a character too. */
export function createNdjsonReader(maximumLineLength: number = MAXIMUM_JSON_LINE_LENGTH): NdjsonReader {
  const decoder = new StringDecoder('utf8');
  // parts of the unfinished line: joined once at its end, so that a long line costs no repeated copies
  let parts: string[] = [];
  let length = 0;
  let overlong = false;
  let bad = 0;

  const take = (text: string) => {
    if (overlong) return;
    length += text.length;
    if (length > maximumLineLength) {
      overlong = true;
      parts = [];
    } else {
      parts.push(text);
    }
  };
  const finish = (): unknown[] => {
    const line = parts.join('').trim();
    const wasOverlong = overlong;
    parts = [];
    length = 0;
    overlong = false;
    if (wasOverlong) bad += 1;
    if (wasOverlong || line === '') return [];
    try {
      return [JSON.parse(line)];
    } catch {
      bad += 1;
      return [];
    }
  };
  return {
    push(chunk) {
      const text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      const values: unknown[] = [];
      let from = 0;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        take(text.slice(from, at));
        values.push(...finish());
        from = at + 1;
      }
      if (from < text.length) take(text.slice(from));
      return values;
    },
    end() {
      take(decoder.end());
      return finish();
    },
    badLines: () => bad,
  };
}
