/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** Secrets shorter than this are not searched for: replacing them would shred ordinary words. */
const MINIMUM_SECRET_LENGTH = 6;

/** Shapes of secrets that are recognised without being known, each with letters that it cannot be without: looking for those is cheap. */
const SECRET_SHAPES: readonly { needs: string; shape: RegExp; replacement: string }[] = [
  { needs: 'hf_', shape: /\bhf_[A-Za-z0-9]{8,}\b/g, replacement: REDACTED },
  { needs: '', shape: /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, replacement: `$1 ${REDACTED}` },
  { needs: '://', shape: /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+:[^\s/@]+@/gi, replacement: `$1${REDACTED}@` },
];

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
  const redactor: Redactor = {
    learn(more) {
      for (const secret of more) {
        if (typeof secret !== 'string' || secret.length < MINIMUM_SECRET_LENGTH) continue;
        known.add(secret);
        known.add(encodeURIComponent(secret));
        known.add(JSON.stringify(secret).slice(1, -1));
      }
      longestFirst = [...known].sort((a, b) => b.length - a.length);
    },
    redact(text) {
      let clean = text;
      for (const secret of longestFirst) clean = clean.replaceAll(secret, REDACTED);
      for (const { needs, shape, replacement } of SECRET_SHAPES) {
        if (clean.includes(needs)) clean = clean.replace(shape, replacement);
      }
      return clean;
    },
  };
  redactor.learn(secrets);
  return redactor;
}
