import { expect, it } from 'vitest';
import { readLogLines } from '../../../src/docker/logs.ts';
import { createRedactor } from '../../../src/lib/redact.ts';

/** Chunks that are there at once, as those of a log that is read from its beginning. */
async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield Buffer.from(`line ${index}\n`.repeat(500));
}

it('a log without end in sight lets everything else have its turn', async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 1);
  let lines = 0;
  for await (const _line of readLogLines(chunks(100_000), true, createRedactor())) {
    lines += 1;
    if (abort.signal.aborted) break;
  }
  expect(abort.signal.aborted).toBe(true);
  expect(lines).toBeGreaterThan(0);
});
