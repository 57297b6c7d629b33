import type { Signature } from '../types.ts';

/** Wordings of this family. */
export const HUB_SIGNATURES: readonly Signature[] = [];
