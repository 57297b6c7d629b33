/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** Secrets shorter than this are not searched for: replacing them would shred ordinary words. */
const MINIMUM_SECRET_LENGTH = 6;

/** Shapes of secrets that are recognised without being known. */
const SECRET_SHAPES: readonly { shape: RegExp; replacement: string }[] = [
  { shape: /\bhf_[A-Za-z0-9]{8,}\b/g, replacement: REDACTED },
  { shape: /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, replacement: `$1 ${REDACTED}` },
  // a scheme has a length: without a limit a long word would be gone through once for each of its letters
  { shape: /\b([a-z][a-z0-9+.-]{0,40}:\/\/)[^\s/@:]+:[^\s/@]+@/gi, replacement: `$1${REDACTED}@` },
];
/** What every text with such a shape has: looking for it is cheap, and most lines of a log have none of it. */
const SHAPE_SIGNS = ['hf_', '://'];
const AUTHORIZATION_SIGN = /\b(?:Bearer|Basic)\s/i;

/** Removes secrets from text before it is kept, shown or logged. One instance stands where log lines enter. */
export interface Redactor {
  /** Returns `text` with every known secret and every secret-shaped word replaced by {@link REDACTED}. */
  redact(text: string): string;
  /** Adds secrets to look for; empty and very short ones are ignored. */
  learn(secrets: Iterable<string | null | undefined>): void;
}

/** Makes a redactor that knows `secrets` from the start. */
export function createRedactor(secrets: Iterable<string | null | undefined> = []): Redactor {
  const known = new Set<string>();
  let longestFirst: string[] = [];
  let signs = signsOf([]);
  const redactor: Redactor = {
    learn(more) {
      for (const secret of more) {
        if (typeof secret !== 'string' || secret.length < MINIMUM_SECRET_LENGTH) continue;
        known.add(secret);
        known.add(encodeURIComponent(secret));
        known.add(JSON.stringify(secret).slice(1, -1));
      }
      longestFirst = [...known].sort((a, b) => b.length - a.length);
      signs = signsOf(longestFirst);
    },
    redact(text) {
      if (!signs.test(text) && !AUTHORIZATION_SIGN.test(text)) return text;
      let clean = text;
      for (const secret of longestFirst) clean = clean.replaceAll(secret, REDACTED);
      for (const { shape, replacement } of SECRET_SHAPES) clean = clean.replace(shape, replacement);
      return clean;
    },
  };
  redactor.learn(secrets);
  return redactor;
}

/** One expression for all of them: a single pass over a text. */
function signsOf(secrets: readonly string[]): RegExp {
  return new RegExp(
    [...SHAPE_SIGNS, ...secrets].map((sign) => sign.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'),
  );
}
