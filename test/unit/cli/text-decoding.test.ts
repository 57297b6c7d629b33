import { expect, it } from 'vitest';
import { asUtf8 } from '../../../src/cli/text-decoding.ts';

const TEXT = 'ERROR 05-12 10:11:12 [core.py:7] größer\r\nKilled\r\n';
const LITTLE = Buffer.from(TEXT, 'utf16le');

async function decode(bytes: Uint8Array, size: number): Promise<string> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const parts: Uint8Array[] = [];
  for await (const part of asUtf8(pieces())) parts.push(part);
  return Buffer.concat(parts).toString();
}

it.each([
  ['UTF-8', Buffer.from(TEXT)],
  ['UTF-8 with its mark', Buffer.from(`\ufeff${TEXT}`)],
  ['UTF-16 with its mark', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
  ['UTF-16 of the other order with its mark', Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16()],
  ['UTF-16 without a mark', LITTLE],
  ['UTF-16 of the other order without a mark', Buffer.from(LITTLE).swap16()],
])('a log in %s is read, in whatever pieces it comes', async (_, bytes) => {
  expect(await decode(bytes, bytes.length)).toBe(TEXT);
  expect(await decode(bytes, 21)).toBe(TEXT);
});

it('bytes that are no text are handed on as they are', async () => {
  const bytes = Uint8Array.from({ length: 999 }, (_, at) => (at * 7919) % 256);
  expect(await decode(bytes, 100)).toBe(Buffer.from(bytes).toString());
});
