/**
 * For `vi.waitFor` and `expect.poll`, in milliseconds: as long as a busy machine may take for what needs a few calls. Their
 * own default is one second. Shorter than a test may take, so that what is missing is named.
 */
export const SOON_MS = 8_000;
