import { defineConfig } from 'vitest/config';

/** One folder of test/ is one project: `scripts/test` runs them in the order of their cost. */
export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    testTimeout: 10_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
