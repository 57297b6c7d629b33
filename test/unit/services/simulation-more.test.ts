import { test, vi } from 'vitest';
import { expectPromisesKept, SEQUENCES_EACH, SIMULATION_LIMIT_MS } from './simulation-property.ts';

// The state store is the real one; its disk fails, is slow, and forgets at a power cut what was not synced.
vi.mock('node:fs/promises', async (original) => {
  const { simulatedFileCalls } = await import('../../support/simulated-files.ts');
  return { ...(await original<typeof import('node:fs/promises')>()), ...simulatedFileCalls };
});

test(
  `${SEQUENCES_EACH} further random sequences of faults leave every promise kept`,
  () => expectPromisesKept(1),
  SIMULATION_LIMIT_MS,
);
