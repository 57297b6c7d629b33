import { createHash, type Hash } from 'node:crypto';
import type { HubFile } from './types.ts';

/** Starts the hash a file is checked with: sha256, or git's sha1 of a blob (`blob <size>\0` before the bytes). */
export function startHash(file: Pick<HubFile, 'hash' | 'sizeBytes'>): Hash {
  if (file.hash.algorithm === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${file.sizeBytes}\0`);
}

/** True when the bytes are the whole file: size and hash are right. */
export function isWhole(content: Uint8Array, file: Pick<HubFile, 'hash' | 'sizeBytes'>): boolean {
  return content.length === file.sizeBytes && startHash(file).update(content).digest('hex') === file.hash.hex;
}
