import { describe, expect, it } from 'vitest';
import { createDiagnoser } from '../../../src/diagnosis/diagnose.ts';
import { requiredWords } from '../../../src/diagnosis/literals.ts';
import { readLogLine } from '../../../src/diagnosis/log-line.ts';
import { SIGNATURES } from '../../../src/diagnosis/signatures/index.ts';
import { TRIGGER } from '../../../src/diagnosis/triggers.ts';
import { PROBLEM_TABLE } from '../../../src/status/problem-table.ts';
import { readCorpus } from '../../support/corpus.ts';

/** What a log with this one line at its end is diagnosed as. */
function signatureOf(line: string): string | null {
  const diagnoser = createDiagnoser();
  diagnoser.push('Traceback (most recent call last):');
  diagnoser.push('  File "/opt/app/main.py", line 1, in main');
  diagnoser.push('    run()');
  diagnoser.push(line);
  return diagnoser.finish({ exitCode: 1, oomKilled: false, engineError: null })?.signature ?? null;
}

/** One of the lines that differ in nothing but what stands in front of their message, and in numbers. */
function distinct(lines: readonly string[]): string[] {
  return [
    ...new Map(
      lines.map((line) => {
        const { text } = readLogLine(line);
        return [text.replace(/\d+/g, '#'), text];
      }),
    ).values(),
  ];
}

describe('the table of signatures', () => {
  it('has no name twice', () => {
    const ids = SIGNATURES.map(({ id }) => id);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });

  it('reports under the name of another row only what has the same kind of cause', () => {
    const ids = new Set(SIGNATURES.map(({ id }) => id));
    for (const { id, knownAs } of SIGNATURES) if (knownAs !== undefined) expect(ids, id).toContain(knownAs);
  });

  it.each([
    ...['oom_load', 'cuda_oom', 'sampler_oom', 'kv_none', 'kv_small', 'kv_small_v0', 'autofit', 'gpu_busy'],
    ...['profile_race', 'len_gt_derived', 'arch', 'trust', 'tokenizer', 'bf16', 'kernel_image', 'no_gpu'],
    ...['old_driver', 'gated', 'repo404', 'badtoken', 'rev', 'entry', 'offline', 'net', 'truncated'],
    ...['corrupt', 'noweights', 'disk', 'port', 'nccl', 'shm', 'cuda_fault', 'engine_dead', 'init_failed'],
    ...['sigterm_init', 'flag'],
  ])('has the row %s', (id) => {
    expect(SIGNATURES.map((signature) => signature.id)).toContain(id);
  });

  it('leads to rows of the table of problems, and says what it was checked against', () => {
    for (const { id, code, symptom, checkedAgainst } of SIGNATURES) {
      expect(PROBLEM_TABLE, id).toHaveProperty(code);
      expect(symptom, id).not.toBe('');
      expect(checkedAgainst, id).not.toBe('');
    }
  });

  it('finds every sample by its own signature and no other', () => {
    const wrong = SIGNATURES.flatMap(({ id, knownAs, samples }) =>
      samples.map((sample) => [knownAs ?? id, signatureOf(sample), sample]).filter(([a, b]) => a !== b),
    );
    expect(wrong).toEqual([]);
  });

  it('has samples that all carry a word by which error messages are told from ordinary lines', () => {
    const silent = SIGNATURES.flatMap(({ samples }) => samples).filter((sample) => !TRIGGER.test(sample));
    expect(silent).toEqual([]);
  });

  const texts = [
    ...SIGNATURES.flatMap(({ samples }) => samples),
    ...distinct(
      readCorpus().flatMap(({ text }) => text.split(/[\r\n]+/).filter((line) => TRIGGER.test(line))),
    ),
  ].map((text) => ({ text, lower: text.toLowerCase() }));
  const families = [...new Set(SIGNATURES.map(({ family }) => family))];

  it.each(families)('of %s are searched by words that are in every text that they match', (family) => {
    for (const { id, patterns } of SIGNATURES.filter((signature) => signature.family === family)) {
      for (const pattern of patterns) {
        const words = requiredWords(pattern);
        if (words === null) continue;
        const lost = texts.filter(
          ({ text, lower }) => !words.some((word) => lower.includes(word)) && pattern.test(text),
        );
        expect(lost, `${id} ${String(pattern)} ${words.join(', ')}`).toEqual([]);
      }
    }
  });

  it('answers every hostile line: with a pattern that backtracks without end this test would not end', () => {
    const pieces = [
      'a',
      ' ',
      "'",
      '(',
      '/',
      '.',
      'KV cache ',
      'not supported ',
      'ERROR ',
      'x_y.',
      'CUDA error: ',
      'File "',
    ];
    const lines = pieces.map((piece) => piece.repeat(Math.ceil(2000 / piece.length)));
    for (const { patterns } of SIGNATURES) {
      for (const pattern of patterns) for (const line of lines) pattern.test(line);
    }
    expect(lines.every((line) => line.length >= 2000)).toBe(true);
  });
});
