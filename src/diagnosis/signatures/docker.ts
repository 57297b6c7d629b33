import type { Signature } from '../types.ts';

/** Wordings of this family. */
export const DOCKER_SIGNATURES: readonly Signature[] = [];
