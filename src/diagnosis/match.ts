import type { Message } from './message.ts';
import { TRIGGER } from './triggers.ts';
import type { Signature, SignatureStrength } from './types.ts';

/** A signature found in a message. */
export interface Match {
  signature: Signature;
  strength: SignatureStrength;
  groups: Readonly<Record<string, string | undefined>>;
  /** The line that proves it. */
  line: string;
}

/** A shorter message may be part of a word; a longer one is cut. */
const MAXIMUM_LENGTH = 2000;

/** So many messages are held against all signatures, further ones only if they have a word of an error: floods stay cheap. */
const WHOLE_LOOKS = 500;
/** Messages remembered because nothing was found in them; a flood repeats itself but for its numbers. */
const MAXIMUM_REMEMBERED = 512;

/** Holds messages against signatures; remembers a little of what it saw, so that repeated lines cost nothing. */
export interface Matcher {
  /** `settled`: the cause is known already, only evidence of the host can still outdo it. */
  match(message: Message, settled: boolean): Match | null;
}

/** Makes a matcher for the signatures in this order. */
export function createMatcher(signatures: readonly Signature[]): Matcher {
  const ofHost = signatures.filter(({ strength }) => strength === 'host');
  const ofWarnings = signatures.filter(({ warnings }) => warnings === true);
  const fruitless = new Set<string>();
  let wholeLooks = WHOLE_LOOKS;
  return {
    match(message, settled) {
      const candidates = settled ? ofHost : message.level === 'warning' ? ofWarnings : signatures;
      if (candidates.length === 0) return null;
      const key =
        `${settled ? 'h' : (message.level ?? '')} ${message.frames} ${message.lines.join(' ')}`.replace(
          /\d+/g,
          '#',
        );
      if (fruitless.has(key)) return null;
      wholeLooks -= 1;
      const found = matchMessage(candidates, message, wholeLooks > 0);
      if (found === null) {
        if (fruitless.size >= MAXIMUM_REMEMBERED) fruitless.clear();
        fruitless.add(key);
      }
      return found;
    },
  };
}

/**
 * Holds a message against the signatures: its first line alone, then its other lines, then all of them as one line, with and
 * without a blank between them (libraries wrap between words, terminals inside them). The first signature of the list that fits is taken. `everyLine`: also where no word of
 * an error stands in it.
 */
function matchMessage(signatures: readonly Signature[], message: Message, everyLine = false): Match | null {
  const warning = message.level === 'warning';
  const { lines } = message;
  const texts = lines.length > 1 ? [...inOrder(lines), lines.join(' '), lines.join('')] : lines;
  let best: Match | null = null;
  for (const text of texts) {
    if (!everyLine && !TRIGGER.test(text)) continue;
    const found = matchText(signatures, cut(text), message.frames);
    if (found === null) continue;
    const match: Match = {
      ...found,
      line: text,
      strength: warning ? weaker(found.signature.strength) : (found.signature.strength ?? 'primary'),
    };
    if (best === null || RANK[match.strength] > RANK[best.strength]) best = match;
    if (best.strength === 'host' || best.strength === 'primary') break;
  }
  return best;
}

/** pydantic's first line only counts the errors; what they are stands below it. */
function inOrder(lines: readonly string[]): readonly string[] {
  const [first = '', ...others] = lines;
  return /\d+ validation errors? for /.test(first) ? [...others, first] : lines;
}

function cut(text: string): string {
  const half = MAXIMUM_LENGTH / 2;
  return text.length <= MAXIMUM_LENGTH ? text : `${text.slice(0, half)} … ${text.slice(-half)}`;
}

const RANK: Readonly<Record<SignatureStrength, number>> = { secondary: 0, weak: 1, primary: 2, host: 3 };

function weaker(strength: SignatureStrength | undefined): SignatureStrength {
  return strength === 'secondary' || strength === 'host' ? strength : 'weak';
}

function matchText(
  signatures: readonly Signature[],
  text: string,
  frames: string,
): Pick<Match, 'signature' | 'groups'> | null {
  for (const signature of signatures) {
    if (signature.frames !== undefined && !signature.frames.test(frames)) continue;
    for (const pattern of signature.patterns) {
      const match = pattern.exec(text);
      if (match !== null) return { signature, groups: match.groups ?? {} };
    }
  }
  return null;
}
