import { describe, expect, it } from 'vitest';
import { toProblem } from '../../../src/status/problem.ts';
import { createProblemJournal, problemRecord, withoutErrors } from '../../../src/status/problem-record.ts';

const at = (second: number) => ({ now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, second)) });

function setStage() {
  const lines: string[] = [];
  const note = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log = { error: note('err'), warn: note('warn'), info: note('info'), debug: note('debug') };
  let nowMs = 0;
  const journal = createProblemJournal(log, { monotonicMs: () => nowMs });
  return { lines, log, journal, pass: (seconds: number) => (nowMs += seconds * 1000) };
}
const gated = (detail: string, since = 1) => toProblem({ code: 'model_gated', detail }, at(since));

describe('the record of a problem', () => {
  it('has code, title, what was seen and what to do', () => {
    expect(
      problemRecord({ code: 'name_taken', detail: 'ai-sandbox-api is there.', remedy: 'rename it' }),
    ).toBe(
      'name_taken: A container of another owner has our name: ai-sandbox-api is there. What to do: rename it',
    );
  });

  it('leaves out what was not seen', () => {
    expect(problemRecord({ code: 'daemon_defect', detail: '' })).toMatch(
      /^daemon_defect: [^:]*\. What to do: \S/,
    );
  });
});

describe('problems in the journal', () => {
  it('are told once when they begin, and when they are over', () => {
    const { lines, journal } = setStage();
    journal({ problems: [gated('a/b')] });
    journal({ problems: [gated('a/b')] });
    journal({ problems: [] });
    expect(lines).toEqual([
      expect.stringMatching(/^err model_gated: .*: a\/b\. What to do: /),
      expect.stringMatching(/^info model_gated: over/),
    ]);
  });

  it('are told again when they begin again', () => {
    const { lines, journal } = setStage();
    journal({ problems: [gated('a/b')] });
    journal({ problems: [gated('a/b', 2)] });
    expect(lines).toHaveLength(2);
  });

  it('are told for each service, also when they begin in the same second', () => {
    const { lines, journal } = setStage();
    journal({ problems: [gated('api'), gated('ui')] });
    journal({ problems: [gated('ui'), gated('api')] });
    journal({ problems: [gated('ui')] });
    expect(lines).toEqual([expect.stringContaining(': api. '), expect.stringContaining(': ui. ')]);
  });

  it('are not told again for a number that moves, and for another detail once a minute', () => {
    const { lines, journal, pass } = setStage();
    journal({ problems: [gated('attempt 1')] });
    journal({ problems: [gated('attempt 22')] });
    journal({ problems: [gated('another')] });
    expect(lines).toHaveLength(1);
    pass(60);
    journal({ problems: [gated('another')] });
    expect(lines).toHaveLength(2);
  });
});

it('what a room calls an error is a warning', () => {
  const { lines, log } = setStage();
  withoutErrors(log).error('x');
  expect(lines).toEqual(['warn x']);
});
