import type { Signature } from '../types.ts';

/** Wordings of this family. */
export const OPEN_WEBUI_SIGNATURES: readonly Signature[] = [];
