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

/**
 * Holds a message against the signatures: its first line alone, then its other lines, then all of them as one line
 * (terminals and libraries wrap). The first signature of the list that fits is taken. `everyLine`: also where no word of
 * an error stands in it.
 */
export function matchMessage(
  signatures: readonly Signature[],
  message: Message,
  everyLine = false,
): Match | null {
  const warning = message.level === 'warning';
  const candidates = warning ? signatures.filter((signature) => signature.warnings === true) : signatures;
  const { lines } = message;
  const texts = lines.length > 1 ? [...inOrder(lines), lines.join(' ')] : lines;
  let best: Match | null = null;
  for (const text of texts) {
    if (!everyLine && !TRIGGER.test(text)) continue;
    const found = matchText(candidates, cut(text), message.frames);
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
