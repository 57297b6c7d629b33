import type { Signature } from '../types.ts';

/** Wordings of this family. */
export const NVIDIA_SIGNATURES: readonly Signature[] = [];
