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
  /** Seconds that the answer asks to wait, or null. */
  retryAfterSeconds: number | null;
  /** Who asks for it: the hub, which names the address of a file, or the host that has its bytes. */
  waitFor: 'hub' | 'file-host';
  /** Too many requests came, as the one who refused says. */
  limited: boolean;
  /** How many times in a row, this one included, connections of its file ended without bringing a byte. */
  barrenInRow: number;
  /** Whether other connections bring bytes. */
  othersMove: boolean;
}

/** What rests: one file; every file that must be asked of the hub first; or all of them. */
export type Resting = 'file' | 'hub' | 'all';

/** What follows: replace it now, let something rest, or end the attempt and let the keeper show a pause. */
export type AfterLoss =
  | { kind: 'replace' }
  | { kind: 'rest'; what: Resting; ms: number }
  | { kind: 'give-up' };

/**
 * Decides after a lost connection. Silence is nobody's refusal: it is only given up when it goes on. What one side asks for
 * does not stop what the other side still gives.
 */
export function afterLoss(lost: LostConnection): AfterLoss {
  if (lost.movedBytes >= WORTHWHILE_BYTES) return { kind: 'replace' };
  const growing = FIRST_PAUSE_MS * 2 ** Math.max(0, lost.barrenInRow - 1);
  const ownMs = Math.min(growing, LONGEST_PAUSE_MS);
  if (lost.retryAfterSeconds !== null) {
    return { kind: 'rest', what: restingFor(lost), ms: Math.max(ownMs, lost.retryAfterSeconds * 1000) };
  }
  if (!lost.othersMove && lost.barrenInRow >= BARREN_CONNECTIONS) return { kind: 'give-up' };
  if (lost.silent) return { kind: 'replace' };
  return { kind: 'rest', what: 'file', ms: ownMs };
}

function restingFor({ waitFor, limited }: LostConnection): Resting {
  if (waitFor === 'hub') return 'hub';
  return limited ? 'all' : 'file';
}
