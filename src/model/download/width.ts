/** Fewest connections: one that stalls must not stop everything. */
export const FEWEST_CONNECTIONS = 2;
/** Connections at the start. */
export const FIRST_CONNECTIONS = 8;
/** Most connections, over all files. */
export const MOST_CONNECTIONS = 16;
/** Connections are added in steps of this. */
const STEP = 4;
/** More connections stay only when the rate rose by this factor. */
const WORTHWHILE_GAIN = 1.08;
/** After a step that brought nothing, or a refusal, the next one is tried after so long. */
const HOLD_MS = 15_000;

/** Refusals so close to each other are one: they come from connections that were opened together. */
const SAME_TROUBLE_MS = 2_000;

/** How many connections are used, and what is being tried. */
export interface Width {
  connections: number;
  /** The rate before the step that is being tried, in bytes a second; null when none is. */
  rateBefore: number | null;
  /** No step is tried before this time. */
  holdUntilMs: number;
  /** When connections were refused last; null when none was. */
  refusedAtMs: number | null;
}

/** At the start of a download. */
export function firstWidth(): Width {
  return { connections: FIRST_CONNECTIONS, rateBefore: null, holdUntilMs: 0, refusedAtMs: null };
}

/**
 * After an interval in which every connection had work: adds four connections, keeps them when the rate rose, and
 * takes them away again when it did not.
 */
export function afterInterval(width: Width, bytesPerSecond: number, nowMs: number): Width {
  const { connections, rateBefore } = width;
  if (rateBefore !== null && bytesPerSecond < rateBefore * WORTHWHILE_GAIN) {
    return {
      ...width,
      connections: Math.max(FEWEST_CONNECTIONS, connections - STEP),
      rateBefore: null,
      holdUntilMs: nowMs + HOLD_MS,
    };
  }
  if (nowMs < width.holdUntilMs) return width;
  if (connections >= MOST_CONNECTIONS) return { ...width, rateBefore: null };
  return {
    ...width,
    connections: Math.min(MOST_CONNECTIONS, connections + STEP),
    rateBefore: bytesPerSecond,
  };
}

/** After a connection that brought no byte: half as many, for the other side may not want so many. */
export function afterRefusal(width: Width, nowMs: number): Width {
  if (width.refusedAtMs !== null && nowMs - width.refusedAtMs < SAME_TROUBLE_MS) return width;
  return {
    connections: Math.max(FEWEST_CONNECTIONS, Math.floor(width.connections / 2)),
    rateBefore: null,
    holdUntilMs: nowMs + HOLD_MS,
    refusedAtMs: nowMs,
  };
}
