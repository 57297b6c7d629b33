import fc from 'fast-check';
import { expect } from 'vitest';
import { simulate } from './simulation.ts';
import { sequences } from './simulation-faults.ts';
import { newTally, type Tally } from './simulation-oracle.ts';

/** Sequences of the ordinary run, in all files together; `AI_SANDBOX_SEQUENCES` sets another number. */
const SEQUENCES = Number(process.env['AI_SANDBOX_SEQUENCES'] ?? 10_000);
/** Files that share them, so that two cores have work. */
const FILES = 2;
/** Sequences of one file. */
export const SEQUENCES_EACH = Math.ceil(SEQUENCES / FILES);
export const SIMULATION_LIMIT_MS = 600_000;
/** So many that their averages mean something. */
const ENOUGH_TO_JUDGE = 150;
/** The ordinary run meets the same sequences each time, `--all` others: what one of those finds is rare, and has a seed. */
const ORDINARY_SEED = 20_261_124;

/** `AI_SANDBOX_SEED=<seed>[/<path>]` replays what a failure printed. */
function replay(file: number): { seed?: number; path?: string } {
  const [seed, path] = (process.env['AI_SANDBOX_SEED'] ?? '').split('/');
  if (seed === undefined || seed === '') {
    return process.env['AI_SANDBOX_TEST_ALL'] === '1' ? {} : { seed: ORDINARY_SEED + file };
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

/** Runs the sequences of one of the {@link FILES}; throws where a promise was broken, with the seed that shows it again. */
export async function expectPromisesKept(file: 0 | 1): Promise<void> {
  const tally = newTally();
  const details = await fc.check(
    fc.asyncProperty(sequences, (sequence) => simulate(sequence, tally)),
    { numRuns: SEQUENCES_EACH, ...replay(file) },
  );
  const message = details.failed
    ? `replay with AI_SANDBOX_SEED=${details.seed}/${details.counterexamplePath}\n` +
      `${JSON.stringify(details.counterexample?.[0])}\n${String(details.errorInstance)}`
    : '';
  expect(message).toBe('');
  if (SEQUENCES_EACH >= ENOUGH_TO_JUDGE) expectToHaveJudged(tally);
}
