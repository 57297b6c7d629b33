import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { constants, Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** What V8 made of a program, to be kept for its next start. */
export interface CodeCache {
  /** Checksum (CRC-32) of the program's bytes: V8 itself compares nothing but their number. */
  program: number;
  /** False when the program ended before everything that a start needs had run. */
  complete: boolean;
  data: Uint8Array;
}

/** What stands before the data: the word below, then three numbers of 32 bits: program, complete, checksum of the data. */
const MAGIC = Buffer.from('ai-sandbox code\n');
const HEADER_BYTES = MAGIC.length + 12;

/** The bytes of a file that keeps a cache. */
export function packCodeCache({ program, complete, data }: CodeCache): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(program, MAGIC.length);
  header.writeUInt32LE(complete ? 1 : 0, MAGIC.length + 4);
  header.writeUInt32LE(crc32(data), MAGIC.length + 8);
  return Buffer.concat([header, data]);
}

/** The cache in a file's bytes; null for one of another program, and for a damaged one: V8 would run whatever is in it. */
export function unpackCodeCache(bytes: Buffer, program: number): CodeCache | null {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const data = bytes.subarray(HEADER_BYTES);
  if (bytes.readUInt32LE(MAGIC.length) !== program) return null;
  if (bytes.readUInt32LE(MAGIC.length + 8) !== crc32(data)) return null;
  return { program, complete: bytes.readUInt32LE(MAGIC.length + 4) === 1, data };
}

/** A program that was compiled, and whether its cache served. */
export interface CompiledProgram {
  /** Whether the program was compiled with the cache; V8 refuses one of another version of itself. */
  cached: boolean;
  /** Whether the cache is one that need not be written again. */
  complete: boolean;
  /** Runs the program and gives what it evaluates to. */
  run(): unknown;
  /** Writes what is compiled by now into the file of the cache. Throws where it cannot be written. */
  save(complete: boolean): void;
}

/**
 * Compiles a program (a script, not a module) with the functions that an earlier run of it used, which are in `cacheFile`.
 * Node's own compile cache is made before a program runs, so that each start compiles what it calls again.
 *
 * @param bytes the program, in ASCII
 * @param wrapper what stands around it; on its first line, so that positions in stack traces stay those of the file
 * @param file the program's path, for stack traces
 */
export function compileProgram(
  bytes: Buffer,
  wrapper: readonly [before: string, after: string],
  file: string,
  cacheFile: string,
): CompiledProgram {
  const program = crc32(bytes);
  const cache = readCache(cacheFile, program);
  const [before, after] = wrapper;
  const script = new Script(before + bytes.toString('latin1') + after, {
    filename: file,
    columnOffset: -before.length,
    ...(cache === null ? {} : { cachedData: cache.data }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const cached = cache !== null && script.cachedDataRejected === false;
  return {
    cached,
    complete: cached && cache.complete,
    run: () => script.runInThisContext(),
    save(complete) {
      const unfinished = `${cacheFile}.${process.pid}`;
      mkdirSync(dirname(cacheFile), { recursive: true });
      // Not synced: a file that a power cut tears has the wrong checksum.
      writeFileSync(unfinished, packCodeCache({ program, complete, data: script.createCachedData() }));
      renameSync(unfinished, cacheFile);
    },
  };
}

function readCache(file: string, program: number): CodeCache | null {
  try {
    return unpackCodeCache(readFileSync(file), program);
  } catch {
    return null;
  }
}
