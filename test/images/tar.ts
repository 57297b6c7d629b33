/** One entry of a tar archive: a file with its bytes, or a directory. */
export interface TarEntry {
  /** Path without leading `/`; at most 100 bytes. */
  path: string;
  mode: number;
  /** Null: a directory. */
  content: Buffer | null;
}

const BLOCK_BYTES = 512;

/** Writes a ustar archive, owned by root and without times, so that the same files give the same bytes. */
export function* tarArchive(entries: Iterable<TarEntry>): Generator<Buffer> {
  for (const entry of entries) {
    yield header(entry);
    if (entry.content === null) continue;
    yield entry.content;
    const rest = entry.content.length % BLOCK_BYTES;
    if (rest > 0) yield Buffer.alloc(BLOCK_BYTES - rest);
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

function header(entry: TarEntry): Buffer {
  if (Buffer.byteLength(entry.path) > 100) throw new Error(`path too long for this archive: ${entry.path}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
  };
  block.write(entry.path, 0);
  octal(entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.content?.length ?? 0, 124, 12);
  octal(0, 136, 12);
  block.write(' '.repeat(8), 148);
  block.write(entry.content === null ? '5' : '0', 156);
  block.write('ustar\0', 257, 'latin1');
  block.write('00', 263);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
