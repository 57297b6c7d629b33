import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/diagnosis/diagnose.ts';
import { PROBLEM_TABLE } from '../../../src/status/problem-table.ts';
import { type CorpusLog, readCorpus } from '../../support/corpus.ts';
import { MUTATIONS } from './mutations.ts';

const CORPUS = readCorpus();

function codeOf(log: CorpusLog, lines: readonly string[] = log.text.split('\n')): string | null {
  const { exitCode, oomKilled, engineError } = log;
  return diagnose({ log: lines, exitCode, oomKilled, engineError })?.code ?? null;
}

describe('the corpus of logs', () => {
  it.each(CORPUS)('$name is $expect', (log) => {
    if (log.expect !== null) expect(PROBLEM_TABLE).toHaveProperty(log.expect);
    const { exitCode, oomKilled, engineError } = log;
    const diagnosis = diagnose({ log: log.text.split('\n'), exitCode, oomKilled, engineError });
    expect(diagnosis?.code ?? null, diagnosis?.line ?? '').toBe(log.expect);
    if (log.signature !== undefined) expect(diagnosis?.signature ?? null).toBe(log.signature);
  });

  it('is told without the exit code as well, where the log itself has the reason', () => {
    const withReason = CORPUS.filter(
      ({ expect: code, signature }) => code !== null && signature !== null && signature !== undefined,
    );
    const wrong = withReason
      .filter((log) => codeOf({ ...log, exitCode: null, oomKilled: false }) !== log.expect)
      .map(({ name }) => name);
    expect(wrong).toEqual([]);
  });
});

describe('altered copies of the corpus', () => {
  it.each(MUTATIONS)(
    '$name: at least 95 in 100 causes are found, and no healthy log alarms',
    ({ mutate }) => {
      const failures = CORPUS.filter(({ expect: code }) => code !== null);
      const wrong = failures
        .filter((log) => codeOf(log, mutate(log.text.split('\n'))) !== log.expect)
        .map(({ name }) => name);
      const alarms = CORPUS.filter(({ expect: code }) => code === null)
        .filter((log) => codeOf(log, mutate(log.text.split('\n'))) !== null)
        .map(({ name }) => name);
      expect(alarms).toEqual([]);
      expect(wrong.length / failures.length, wrong.join(', ')).toBeLessThanOrEqual(0.05);
    },
  );
});
