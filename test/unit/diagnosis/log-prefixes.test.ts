import { expect, it } from 'vitest';
import { PREFIXES, prefixesAt } from '../../../src/diagnosis/log-prefixes.ts';
import { readCorpus } from '../../support/corpus.ts';

/** Beginnings of lines that are rare in the corpus. */
const RARE = [
  'ERROR 56542 [async_llm_engine.py:64] x',
  'ERROR [core.py:123] x',
  '[rank0]: x',
  '[Stage-1] x',
  '[1,0]<stderr>: x',
  'api-1  | x',
  '[pod/ai/api] x',
  '[2026-01-02 03:04:05,678] x',
  'Nov 23 10:11:12 host dockerd[12]: x',
  '[12345.678901] x',
  '[Mon Nov 23 10:11:12 2026] x',
  '<4>x',
  '6,123,456789,-;x',
  'time="2026-01-02T03:04:05Z" level=error msg="x',
  '[E1123 10:11:12.123456789 ProcessGroupNCCL.cpp:616] x',
  'W1123 10:11:12.123000 77 torch/_inductor/x.py:12] [0/0] x',
  '| ERROR | stderr | x',
  '| ERROR    | open_webui.main:lifespan:12 - x',
  '| INFO | httpx | x',
  '| 2026-01-02T03:04:05.678Z | x',
  '[MainThread] [vllm.worker.worker_base] >>> x',
  '- module.name - ERROR - x',
  '/a/b.py:1 - ERROR - x',
  '- WARNING - autotuner.py:485 - flashinfer.jit: x',
  '[ERROR] x',
  'ERROR:module:x',
  'ERROR [alembic] x',
  '_name ERROR: x',
  '│ INFO x',
  '> x',
];

it('a prefix is tried on every line on which it fits', () => {
  const lines = new Set([...RARE, ...readCorpus().flatMap(({ text }) => text.split(/[\r\n]+/))]);
  const fitting = new Set<RegExp>();
  const missed: string[] = [];
  for (const line of lines) {
    for (const prefix of PREFIXES) {
      prefix.pattern.lastIndex = 0;
      if (!prefix.pattern.test(line)) continue;
      fitting.add(prefix.pattern);
      if (!prefixesAt(line, 0).includes(prefix)) missed.push(`${prefix.pattern}: ${line}`);
    }
  }
  expect(missed).toEqual([]);
  expect(PREFIXES.filter(({ pattern }) => !fitting.has(pattern))).toEqual([]);
});

it('every group of a prefix is said to be something', () => {
  for (const { pattern, tells = [] } of PREFIXES) {
    const groups = new RegExp(`${pattern.source}|`).exec('')?.length ?? 0;
    expect(groups - 1, pattern.source).toBe(tells.length);
  }
});
