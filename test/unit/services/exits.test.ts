import { describe, expect, test } from 'vitest';
import { afterExit, classifyExit, type ExitFacts, logStart } from '../../../src/services/exits.ts';
import { newServiceMemory, remainingMs, type ServiceMemory } from '../../../src/services/memory.ts';
import { pullDelayMs, refusalDelayMs, restartDelayMs } from '../../../src/services/restart-policy.ts';

const facts = (fields: Partial<ExitFacts> = {}): ExitFacts => ({
  service: 'api',
  exitCode: 1,
  oomKilled: false,
  expected: null,
  foreignSignal: null,
  engineWasAway: false,
  rebooted: false,
  firstSight: false,
  oneShot: false,
  ...fields,
});

/** Memory and waits after failures at the given minutes. */
function failures(minutes: number[], fields: Partial<ExitFacts> = {}) {
  let memory: ServiceMemory = newServiceMemory();
  const waits: number[] = [];
  for (const minute of minutes) {
    const exit = facts(fields);
    const now = new Date(Date.UTC(2026, 0, 1, 0, minute));
    const after = afterExit(memory, exit, classifyExit(exit), now);
    memory = after.memory;
    waits.push(after.delayMs / 1_000);
  }
  return { memory, waits };
}

describe('the cause of an exit', () => {
  test('exit code 0 is a failure when nobody asked for it', () => {
    expect(classifyExit(facts({ exitCode: 0 }))).toMatchObject({
      kind: 'crash',
      counts: true,
      unrequested: true,
      cause: 'exited with code 0, not asked for',
      finding: { code: 'container_exited' },
    });
  });

  test('137 after our own stop is no failure', () => {
    const verdict = classifyExit(facts({ exitCode: 137, expected: { reason: 'user' } }));
    expect(verdict).toMatchObject({ kind: 'asked', counts: false, unrequested: false, finding: null });
  });

  test('a container that is made anew says why', () => {
    const expected = { reason: 'recreate', cause: 'the context did not fit' } as const;
    expect(classifyExit(facts({ exitCode: 137, expected }))).toMatchObject({
      kind: 'asked',
      cause: 'was stopped to be made anew: the context did not fit',
    });
  });

  test('a docker stop from outside names the right command and does not count', () => {
    const verdict = classifyExit(facts({ exitCode: 143, foreignSignal: '15' }));
    expect(verdict).toMatchObject({ kind: 'outside', counts: false, unrequested: true });
    expect(verdict.cause).toContain('ai-sandbox stop api');
  });

  test('memory that ran out is named even with exit code 0', () => {
    const verdict = classifyExit(facts({ exitCode: 0, oomKilled: true }));
    expect(verdict).toMatchObject({ kind: 'crash', counts: true, finding: { code: 'out_of_memory' } });
  });

  test('an absent engine and a restarted machine are not the fault of the service', () => {
    expect(classifyExit(facts({ engineWasAway: true }))).toMatchObject({
      kind: 'engine_restart',
      counts: false,
    });
    expect(classifyExit(facts({ rebooted: true }))).toMatchObject({ kind: 'host_reboot', counts: false });
  });

  test('a hang that we ended counts as a failure', () => {
    const verdict = classifyExit(facts({ exitCode: 137, expected: { reason: 'hang' } }));
    expect(verdict).toMatchObject({ counts: true, unrequested: true, finding: { code: 'not_responding' } });
  });

  test('a service whose good end others wait for has done its work with exit code 0', () => {
    expect(classifyExit(facts({ exitCode: 0, oneShot: true })).kind).toBe('completed');
    expect(classifyExit(facts({ exitCode: 1, oneShot: true })).kind).toBe('crash');
  });

  test('a signal is named beside the exit code', () => {
    expect(classifyExit(facts({ exitCode: 139 })).cause).toBe(
      'exited with code 139 (signal 11), not asked for',
    );
  });
});

describe('the restart curve', () => {
  test('begins at once, then 10 s doubling to 300 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((attempt) => restartDelayMs(attempt) / 1_000)).toEqual([
      0, 10, 20, 40, 80, 160, 300, 300, 300,
    ]);
  });

  test('a refused start is never repeated at once', () => {
    expect([1, 2, 3, 4, 9].map((refusal) => refusalDelayMs(refusal) / 1_000)).toEqual([0.5, 2, 10, 20, 300]);
  });

  test('a pull waits steadily for space and slowly for a person', () => {
    expect(pullDelayMs(5, 'host')).toBe(30_000);
    expect(pullDelayMs(1, 'fatal')).toBe(300_000);
    expect([1, 2, 3, 9].map((failed) => pullDelayMs(failed, 'transient') / 1_000)).toEqual([5, 10, 20, 300]);
  });

  test('kills from outside are answered at once however many they are', () => {
    const { memory, waits } = failures([0, 1, 2, 3, 4, 5], { foreignSignal: '9' });
    expect(waits).toEqual([0, 0, 0, 0, 0, 0]);
    expect(memory).toMatchObject({ attempts: 0, restarts: 6, failure: null });
  });

  test('every exit leaves a record, the latest twenty are kept', () => {
    const { memory } = failures(Array.from({ length: 25 }, (_, minute) => minute));
    expect(memory.history).toHaveLength(20);
    expect(memory.history.at(-1)).toMatchObject({ at: '2026-01-01T00:24:00Z', exit_code: 1, attempt: 25 });
  });

  test('a remembered wait is clamped when the clock has jumped', () => {
    const now = new Date('2026-01-01T00:00:00Z');
    expect(remainingMs('2026-01-01T00:00:40Z', now, 300_000)).toBe(40_000);
    expect(remainingMs('2030-01-01T00:00:00Z', now, 300_000)).toBe(300_000);
    expect(remainingMs('2020-01-01T00:00:00Z', now, 300_000)).toBe(0);
    expect(remainingMs('nonsense', now, 300_000)).toBe(0);
  });
});

describe('the log of a run', () => {
  const startedAt = '2026-01-01T00:01:00.500000001Z';
  test('begins before the noted start: a quick process has printed all it had by then', () => {
    expect(logStart({ startedAt, finishedAt: null })).toBe('2026-01-01T00:00:50.500Z');
    expect(logStart({ startedAt, finishedAt: '2026-01-01T00:01:01Z' })).toBe('2026-01-01T00:00:50.500Z');
  });
  test('begins after the end of the run before it', () => {
    expect(logStart({ startedAt, finishedAt: '2026-01-01T00:00:59.9Z' })).toBe('2026-01-01T00:00:59.900Z');
    expect(logStart({ startedAt, finishedAt: '2026-01-01T00:00:00Z' })).toBe('2026-01-01T00:00:50.500Z');
  });
  test('is unknown for a container that never ran', () => {
    expect(logStart({ startedAt: null, finishedAt: null })).toBeNull();
  });
});
