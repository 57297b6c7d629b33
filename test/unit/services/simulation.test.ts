import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { simulate } from './simulation.ts';
import { sequences } from './simulation-faults.ts';
import { newTally, type Tally } from './simulation-oracle.ts';

// The state store is the real one; its disk fails, is slow, and forgets at a power cut what was not synced.
vi.mock('node:fs/promises', async (original) => {
  const { simulatedFileCalls } = await import('../../support/simulated-files.ts');
  return { ...(await original<typeof import('node:fs/promises')>()), ...simulatedFileCalls };
});

/** Sequences of the ordinary run; `AI_SANDBOX_SEQUENCES` sets another number. */
const SEQUENCES = Number(process.env['AI_SANDBOX_SEQUENCES'] ?? 10_000);
/** So many that their averages mean something. */
const ENOUGH_TO_JUDGE = 300;
const LIMIT_MS = 600_000;
/** The ordinary run meets the same sequences each time, `--all` others: what one of those finds is rare, and has a seed. */
const ORDINARY_SEED = 20_261_124;

/** `AI_SANDBOX_SEED=<seed>[/<path>]` replays what a failure printed. */
function replay(): { seed?: number; path?: string } {
  const [seed, path] = (process.env['AI_SANDBOX_SEED'] ?? '').split('/');
  if (seed === undefined || seed === '') {
    return process.env['AI_SANDBOX_TEST_ALL'] === '1' ? {} : { seed: ORDINARY_SEED };
  }
  return path === undefined ? { seed: Number(seed) } : { seed: Number(seed), path };
}

/** An oracle that has excuses for everything finds nothing. */
function expectToHaveJudged(tally: Tally): void {
  const { restarts, waited, atOnce, running, guarded } = tally;
  expect(waited / restarts, 'starts with a wait that must not be skipped').toBeGreaterThan(0.3);
  expect((waited + atOnce) / restarts, 'starts of which the wait is known').toBeGreaterThan(0.75);
  expect(guarded / running, 'looks at a healthy service that nobody may touch').toBeGreaterThan(0.85);
}

test(
  `${SEQUENCES} random sequences of faults leave every promise kept`,
  async () => {
    const tally = newTally();
    const details = await fc.check(
      fc.asyncProperty(sequences, (sequence) => simulate(sequence, tally)),
      { numRuns: SEQUENCES, ...replay() },
    );
    const message = details.failed
      ? `replay with AI_SANDBOX_SEED=${details.seed}/${details.counterexamplePath}\n` +
        `${JSON.stringify(details.counterexample?.[0])}\n${String(details.errorInstance)}`
      : '';
    expect(message).toBe('');
    if (SEQUENCES >= ENOUGH_TO_JUDGE) expectToHaveJudged(tally);
  },
  LIMIT_MS,
);
