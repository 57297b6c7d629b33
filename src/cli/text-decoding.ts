import { TextDecoder } from 'node:util';

/** Bytes of the beginning that are looked at. */
const HEAD_BYTES = 512;
/** So much of one half of the bytes is zero where Latin letters are written with two bytes each. */
const ZERO_SHARE = 0.4;

/**
 * A file as UTF-8, whatever it is written in: a shell of Windows writes what it redirects as UTF-16. Told by the mark at
 * its beginning or, where that is cut off, by the zeros between the letters.
 */
export async function* asUtf8(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let decoder: TextDecoder | null | undefined;
  const encoder = new TextEncoder();
  for await (const chunk of stream) {
    if (decoder === undefined) {
      if (chunk.length === 0) continue;
      const encoding = encodingOf(chunk.subarray(0, HEAD_BYTES));
      decoder = encoding === null ? null : new TextDecoder(encoding);
    }
    yield decoder === null ? chunk : encoder.encode(decoder.decode(chunk, { stream: true }));
  }
}

function encodingOf(head: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | null {
  const [first, second, third] = head;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  // The decoder takes the mark off.
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  const pairs = Math.floor(head.length / 2);
  let even = 0;
  let odd = 0;
  for (let at = 0; at < pairs * 2; at += 2) {
    if (head[at] === 0) even += 1;
    if (head[at + 1] === 0) odd += 1;
  }
  if (odd > pairs * ZERO_SHARE && even === 0) return 'utf-16le';
  if (even > pairs * ZERO_SHARE && odd === 0) return 'utf-16be';
  return null;
}
