import { configDefaults, defineConfig } from 'vitest/config';

/** Files that only `scripts/test --all` runs, because they take long. */
const LONG = 'test/**/*.long.test.ts';
const everything = process.env['AI_SANDBOX_TEST_ALL'] === '1';

/** One folder of test/ is one project: `scripts/test` runs them in the order of their cost. */
export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    exclude: everything ? configDefaults.exclude : [...configDefaults.exclude, LONG],
    testTimeout: 10_000,
    hookTimeout: 60_000,
    // Files that run at the same time share nothing: engines, machines, daemons and ports are each file's own.
    maxWorkers: 2,
  },
});
