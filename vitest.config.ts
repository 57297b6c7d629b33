import { configDefaults, defineConfig } from 'vitest/config';

/** Files that only `scripts/test --all` runs, because they take long. */
const LONG = 'test/**/*.long.test.ts';
/** The files that replace a module, which others would then be given too. */
const REPLACES_A_MODULE = 'test/unit/services/simulation*.test.ts';
/** Judges estimates of how long a start takes: with another one beside it, it would judge the machine. */
const ALONE = 'test/real/bar.long.test.ts';
const everything = process.env['AI_SANDBOX_TEST_ALL'] === '1';
const exclude = everything ? configDefaults.exclude : [...configDefaults.exclude, LONG];

/** One folder of test/ is one step: `scripts/test` runs them in the order of their cost. */
export default defineConfig({
  test: {
    environment: 'node',
    testTimeout: 10_000,
    hookTimeout: 60_000,
    // Files that run at the same time share nothing: engines, machines, daemons and ports are each file's own.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: [...exclude, REPLACES_A_MODULE],
          // Loading the sources anew for each of 170 files takes more time than all that they test.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'isolated',
          include: [REPLACES_A_MODULE, 'test/!(unit)/**/*.test.ts'],
          exclude: [...exclude, ALONE],
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: [ALONE],
          exclude,
          // After all others.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
