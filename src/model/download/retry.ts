/** A connection that broke after at least so many bytes brought something; it is replaced at once. */
const WORTHWHILE_BYTES = 64 * 1024;
/** So many times in a row connections without a byte are a hub that does not answer. */
const BARREN_CONNECTIONS = 3;
/** First pause of a file whose connections bring nothing while others do; each further one doubles it. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** A connection that ended before its part was there, for a reason that may pass. */
export interface LostConnection {
  /** Bytes that it brought. */
  movedBytes: number;
  /** It ended because nothing came any more. */
  silent: boolean;
  /** Seconds the other side asks to wait, or null. */
  retryAfterSeconds: number | null;
  /** How many times in a row, this one included, connections of its file ended without bringing a byte. */
  barrenInRow: number;
  /** Whether other connections bring bytes. */
  othersMove: boolean;
  /** Whether there are other connections, which may still bring some. */
  othersFly: boolean;
}

/** What follows: replace it now, pause its file or all files, or end the attempt and let the keeper show a pause. */
export type AfterLoss =
  | { kind: 'replace' }
  | { kind: 'pause-file'; ms: number }
  | { kind: 'pause-all'; ms: number }
  | { kind: 'give-up' };

/** Decides after a lost connection. Silence is nobody's refusal: it is only given up when it goes on. */
export function afterLoss(lost: LostConnection): AfterLoss {
  if (lost.movedBytes >= WORTHWHILE_BYTES) return { kind: 'replace' };
  if (lost.retryAfterSeconds !== null) {
    if (!lost.othersFly) return { kind: 'give-up' };
    return { kind: 'pause-all', ms: lost.retryAfterSeconds * 1000 };
  }
  if (!lost.othersMove && lost.barrenInRow >= BARREN_CONNECTIONS) return { kind: 'give-up' };
  if (lost.silent) return { kind: 'replace' };
  const ms = FIRST_PAUSE_MS * 2 ** Math.max(0, lost.barrenInRow - 1);
  return { kind: 'pause-file', ms: Math.min(ms, LONGEST_PAUSE_MS) };
}
