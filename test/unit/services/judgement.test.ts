import { describe, expect, test } from 'vitest';
import { afterExit, classifyExit, type ExitFacts } from '../../../src/services/exits.ts';
import { judgeExit } from '../../../src/services/judgement.ts';
import { newServiceMemory, type ServiceMemory, withFreshAttempts } from '../../../src/services/memory.ts';
import type { Finding } from '../../../src/status/problem.ts';
import type { ProblemCode } from '../../../src/status/problem-table.ts';

const EXIT: ExitFacts = {
  service: 'api',
  exitCode: 1,
  oomKilled: false,
  expected: null,
  foreignSignal: null,
  engineWasAway: false,
  rebooted: false,
  firstSight: false,
  oneShot: false,
};
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

/** One more exit at the given minute, found to be `code`; the record it left and what was judged. */
function fail(before: ServiceMemory, minute: number, code: ProblemCode, fields: Partial<ExitFacts> = {}) {
  const facts = { ...EXIT, ...fields };
  const { memory } = afterExit(before, facts, classifyExit(facts), at(minute));
  const record = memory.history.at(-1);
  if (record === undefined) throw new Error('no record');
  const finding: Finding = { code, detail: `words about ${code}` };
  const judged = judgeExit(memory, record, finding, record.attempt > 1, at(minute));
  if (judged === null) throw new Error('not judged');
  return { ...judged, record };
}

/** The memory after several exits, a minute apart or at the given minutes. */
function failures(codes: ProblemCode[], minutes = codes.map((_, index) => index)): ServiceMemory {
  return codes.reduce(
    (memory, code, index) => fail(memory, minutes[index] ?? 0, code).memory,
    newServiceMemory(),
  );
}

describe('a cause that only a person can mend', () => {
  test('lets the restart that was made at once try it, and stops the service when it comes back', () => {
    const once = fail(newServiceMemory(), 0, 'model_gated');
    expect(once.memory.failure).toBeNull();
    const twice = fail(once.memory, 1, 'model_gated');
    expect(twice.memory).toMatchObject({
      failure: { code: 'model_gated', detail: 'words about model_gated' },
      nextRestartAt: null,
    });
    expect(twice.retryInMs).toBeNull();
  });

  test('does not stop the service when another cause came in between', () => {
    expect(failures(['model_gated', 'container_exited', 'model_gated']).failure).toBeNull();
  });

  test('is judged anew after a fresh start', () => {
    const fresh = withFreshAttempts(failures(['model_gated', 'model_gated']));
    expect(fresh.failure).toBeNull();
    expect(fail(fresh, 5, 'model_gated').memory.failure).toBeNull();
  });
});

test('a cause in the machine is tried again every 5 minutes, because the machine may have been mended', () => {
  const judged = fail(failures(['gpu_missing']), 1, 'gpu_missing');
  expect(judged.retryInMs).toBe(300_000);
  expect(judged.memory).toMatchObject({
    failure: { code: 'gpu_missing', class: 'host' },
    nextRestartAt: '2026-01-01T00:06:00.000Z',
  });
});

describe('a loop', () => {
  test('is five failures of one cause within half an hour, whatever its class, and goes on slowly', () => {
    const four = failures(['gpu_fault', 'gpu_fault', 'gpu_fault', 'gpu_fault']);
    expect(four.failure).toBeNull();
    const five = fail(four, 4, 'gpu_fault');
    expect(five.retryInMs).toBe(300_000);
    expect(five.memory.failure).toMatchObject({ code: 'restart_loop' });
    expect(five.memory.failure?.detail).toContain('words about gpu_fault');
  });

  test('keeps the time at which it began', () => {
    const five = failures(Array.from({ length: 5 }, () => 'gpu_fault' as const));
    const six = fail(five, 9, 'gpu_fault');
    expect(six.memory.failure?.since).toBe(five.failure?.since);
  });

  test('is not made of five failures over hours', () => {
    const codes = Array.from({ length: 5 }, () => 'gpu_fault' as const);
    expect(failures(codes, [0, 20, 40, 60, 80]).failure).toBeNull();
  });

  test('is not made of failures with different causes', () => {
    expect(
      failures(['gpu_fault', 'port_in_use', 'gpu_fault', 'port_in_use', 'gpu_fault']).failure,
    ).toBeNull();
  });

  test('without a known cause is told apart by the words of the exit', () => {
    let memory = newServiceMemory();
    for (const [minute, exitCode] of [1, 3, 1, 3, 1, 3].entries()) {
      memory = fail(memory, minute, 'container_exited', { exitCode }).memory;
    }
    expect(memory.failure).toBeNull();
    const codes = Array.from({ length: 5 }, () => 'container_exited' as const);
    expect(failures(codes).failure?.code).toBe('restart_loop');
  });

  test('is over when the cause is another one', () => {
    const loop = failures(Array.from({ length: 5 }, () => 'gpu_fault' as const));
    expect(fail(loop, 8, 'port_in_use').memory.failure).toBeNull();
  });
});

describe('the record of an exit', () => {
  test('gets the code and the title of its cause behind its own words', () => {
    expect(failures(['model_gated']).history.at(-1)).toMatchObject({
      code: 'model_gated',
      cause: 'exited with code 1, not asked for: The model may only be fetched after its terms are accepted',
    });
  });

  test('keeps its own words where nothing more is known', () => {
    expect(failures(['unknown_failure']).history.at(-1)?.cause).toBe('exited with code 1, not asked for');
  });

  test('that is gone is not judged', () => {
    const { memory, record } = fail(newServiceMemory(), 0, 'model_gated');
    const finding: Finding = { code: 'model_gated', detail: '' };
    expect(judgeExit({ ...memory, history: [] }, record, finding, true, at(1))).toBeNull();
  });

  test('is completed, but stops nothing, when a user has acted meanwhile', () => {
    const before = failures(['model_gated', 'model_gated']);
    const record = before.history.at(-1);
    if (record === undefined) throw new Error('no record');
    const judged = judgeExit(
      withFreshAttempts(before),
      record,
      { code: 'gpu_missing', detail: '' },
      true,
      at(2),
    );
    expect(judged?.memory).toMatchObject({ failure: null, attempts: 0 });
    expect(judged?.memory.history.at(-1)?.code).toBe('gpu_missing');
  });
});
