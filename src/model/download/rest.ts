import { ModelError } from '../types.ts';

/** A time in which nothing is begun. */
export interface Rest {
  /** Monotonic time of its end. */
  untilMs: number;
  /** The refusal that asked for it; null where the pause is our own. */
  refusal: ModelError | null;
}

/** Nothing has to rest. */
export const NO_REST: Rest = { untilMs: Number.NEGATIVE_INFINITY, refusal: null };

/** The one that lasts longer; the first where both last as long. */
export function longer(one: Rest, other: Rest): Rest {
  return other.untilMs > one.untilMs ? other : one;
}

/**
 * What to tell instead of waiting, when nothing is under way: the refusal that keeps the first file that could go on from
 * it, with the seconds that are left of its wait. Null when a file may go on, or a pause of our own comes to its end first.
 */
export function standstill(files: readonly Rest[], nowMs: number): ModelError | null {
  const [first] = [...files].sort((a, b) => a.untilMs - b.untilMs);
  if (first === undefined || first.refusal === null || first.untilMs <= nowMs) return null;
  const { finding, waitFor } = first.refusal;
  return new ModelError(finding, Math.ceil((first.untilMs - nowMs) / 1000), waitFor);
}
