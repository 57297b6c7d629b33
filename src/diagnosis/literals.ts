/**
 * Words without which a pattern cannot match, in lower case: one of them must be in a text. Null: no such words are
 * known, the pattern has to be tried. A search for a word is many times cheaper than a try of a pattern.
 */
export function requiredWords(pattern: RegExp): readonly string[] | null {
  const reader = { source: pattern.source, at: 0 };
  return readAlternatives(reader);
}

/** A word shorter than this is in too many texts to be worth its search. */
const MINIMUM_WORD = 4;

interface Reader {
  source: string;
  at: number;
}

/** Reads alternatives up to the end of their group; each must offer a word. */
function readAlternatives(reader: Reader): readonly string[] | null {
  let words: readonly string[] | null = [];
  for (;;) {
    const found = readSequence(reader);
    words = words === null || found === null ? null : [...words, ...found];
    if (reader.source[reader.at] !== '|') return words;
    reader.at += 1;
  }
}

/** Reads one alternative; returns the words of its best part: all of which one must be there. */
function readSequence(reader: Reader): readonly string[] | null {
  let best: readonly string[] | null = null;
  let run = '';
  const offer = (words: readonly string[] | null): void => {
    if (words === null || words.some((word) => word.length < MINIMUM_WORD)) return;
    if (best === null || shortest(words) > shortest(best)) best = words;
  };
  const endRun = (): void => {
    offer(run === '' ? null : [run.toLowerCase()]);
    run = '';
  };
  while (reader.at < reader.source.length) {
    const piece = reader.source[reader.at] ?? '';
    if (piece === '|' || piece === ')') break;
    if (piece === '(') {
      endRun();
      const words = readGroup(reader);
      if (isCertain(readQuantifier(reader))) offer(words);
      continue;
    }
    const character = readCharacter(reader);
    const quantifier = readQuantifier(reader);
    if (character === null || !isCertain(quantifier)) {
      endRun();
      continue;
    }
    run += character;
    if (quantifier !== '') endRun();
  }
  endRun();
  return best;
}

function shortest(words: readonly string[]): number {
  return Math.min(...words.map((word) => word.length));
}

/** Reads `(…)`; what only looks ahead or behind offers nothing. */
function readGroup(reader: Reader): readonly string[] | null {
  reader.at += 1;
  const kind = /^\?(?:[:=!]|<[=!]|<\w+>)/.exec(reader.source.slice(reader.at))?.[0] ?? '';
  reader.at += kind.length;
  const words = readAlternatives(reader);
  reader.at += 1;
  return kind === '' || kind === '?:' || /^\?<\w+>$/.test(kind) ? words : null;
}

/** Reads one character or class of characters; null for what is not one certain character. */
function readCharacter(reader: Reader): string | null {
  const piece = reader.source[reader.at] ?? '';
  reader.at += 1;
  if (piece === '\\') {
    const escaped = reader.source[reader.at] ?? '';
    reader.at += 1;
    return /[A-Za-z0-9]/.test(escaped) ? null : escaped;
  }
  if (piece === '[') {
    while (reader.at < reader.source.length && reader.source[reader.at] !== ']') {
      reader.at += reader.source[reader.at] === '\\' ? 2 : 1;
    }
    reader.at += 1;
    return null;
  }
  return /[.^$]/.test(piece) ? null : piece;
}

/** Reads `?`, `*`, `+`, `{…}` with its laziness; '' where there is none. */
function readQuantifier(reader: Reader): string {
  const found =
    /^(?:[?*+]|\{\d+(?:,\d*)?\})\??/.exec(reader.source.slice(reader.at, reader.at + 16))?.[0] ?? '';
  reader.at += found.length;
  return found;
}

/** Whether what has this quantifier is there at least once. */
function isCertain(quantifier: string): boolean {
  return quantifier === '' || quantifier.startsWith('+') || /^\{[1-9]/.test(quantifier);
}
