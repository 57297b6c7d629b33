import { expect, test } from 'vitest';
import { createDiagnoser } from '../../../src/diagnosis/diagnose.ts';
import { readLogLines } from '../../../src/docker/logs.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { readLoadLine } from '../../../src/model/load-line.ts';
import { frameOf, linesOf, streamOf } from '../../support/log-stream.ts';

const MESSAGES = 20_000;
const SEED = 7;

/** The bytes of all frames in chunks of very different sizes, as a socket gives them. */
async function* chunks(): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.concat(Array.from({ length: MESSAGES }, (_, index) => frameOf(index)));
  let state = SEED;
  for (let at = 0; at < bytes.length; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    const size = state % 5 === 0 ? 1 + (state % 7) : 1 + (state % 40_000);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test('a flood of lines goes through demultiplexer, diagnosis and load progress without a wrong cut', async () => {
  const expected: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  for (let index = 0; index < MESSAGES; index += 1) {
    expected[streamOf(index)].push(...linesOf(index));
  }
  const seen: typeof expected = { stdout: [], stderr: [] };
  const diagnoser = createDiagnoser();
  let marks = 0;
  for await (const line of readLogLines(chunks(), false, createRedactor([]))) {
    seen[line.stream].push(line.text);
    diagnoser.push(line.text);
    if (readLoadLine(line.text) !== null) marks += 1;
  }
  expect(seen.stdout.length).toBe(expected.stdout.length);
  expect(seen.stderr.length).toBe(expected.stderr.length);
  expect(seen.stdout.every((line, index) => line === expected.stdout[index])).toBe(true);
  expect(seen.stderr.every((line, index) => line === expected.stderr[index])).toBe(true);
  expect(marks).toBe((MESSAGES / 10) * 5);
});

test('the cause is found at the end of a flood', () => {
  const diagnoser = createDiagnoser();
  for (let index = 0; index < MESSAGES; index += 1) for (const line of linesOf(index)) diagnoser.push(line);
  for (const line of [
    '(EngineCore pid=77) ERROR 11-23 17:44:26 [core.py:1509] EngineCore failed to start.',
    '(EngineCore pid=77) ERROR 11-23 17:44:26 [core.py:1509] Traceback (most recent call last):',
    '(EngineCore pid=77) ERROR 11-23 17:44:26 [core.py:1509] ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.',
    "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}",
  ]) {
    diagnoser.push(line);
  }
  const found = diagnoser.finish({ exitCode: 1, oomKilled: false, engineError: null });
  expect(found?.signature).toBe('kv_none');
});
