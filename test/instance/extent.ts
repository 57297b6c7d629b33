import type { Suite } from './root-image.ts';

/** Whether what takes long is run too, as `scripts/test --all` says. */
export const everything = process.env['AI_SANDBOX_TEST_ALL'] === '1';

/** The Debian releases that are booted. */
export const suites: readonly Suite[] = everything ? ['bookworm', 'trixie'] : ['bookworm'];
