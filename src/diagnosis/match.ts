import { requiredWords } from './literals.ts';
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
  /** The program went on after it, or means to: alone it is no sign of a failure. */
  handled: boolean;
}

/** A shorter message may be part of a word; a longer one is cut. */
const MAXIMUM_LENGTH = 2000;

/** So many messages are held against all signatures, further ones only if they have a word of an error: floods stay cheap. */
const WHOLE_LOOKS = 500;
/** Messages remembered because they are no cause; a flood repeats itself but for its numbers. */
const MAXIMUM_REMEMBERED = 512;

/** Holds messages against signatures; remembers a little of what it saw, so that repeated lines cost nothing. */
export interface Matcher {
  /**
   * `settled`: the cause is known already, only evidence of the host can still outdo it. `oneGpu`: the engine is known to
   * use one GPU.
   */
  match(message: Message, settled: boolean, oneGpu: boolean): Match | null;
}

/** A signature and, for each of its patterns, words of which one must be in a text. */
interface Prepared {
  signature: Signature;
  words: readonly (readonly string[] | null)[];
}

/** Signatures made ready to be searched; made once. */
export interface PreparedSignatures {
  all: readonly Prepared[];
  ofHost: readonly Prepared[];
  ofWarnings: readonly Prepared[];
  ofWhole: readonly Prepared[];
}

/** Makes signatures ready to be searched, in this order. */
export function prepareSignatures(signatures: readonly Signature[]): PreparedSignatures {
  const all = signatures.map((signature) => ({ signature, words: signature.patterns.map(requiredWords) }));
  return {
    all,
    ofHost: all.filter(({ signature }) => signature.strength === 'host'),
    ofWarnings: all.filter(({ signature }) => signature.warnings === true),
    ofWhole: all.filter(({ signature }) => signature.whole === true),
  };
}

/** Makes a matcher for these signatures. */
export function createMatcher({ all, ofHost, ofWarnings, ofWhole }: PreparedSignatures): Matcher {
  const remembered = new Map<string, Match | null>();
  let wholeLooks = WHOLE_LOOKS;
  return {
    match(message, settled, oneGpu) {
      const candidates = settled ? ofHost : message.level === 'warning' ? ofWarnings : all;
      if (candidates.length === 0) return null;
      const key = keyOf(message, settled);
      const known = remembered.get(key);
      if (known !== undefined) return known;
      wholeLooks -= 1;
      const ofMessage = candidates === all ? ofWhole : [];
      const found = matchMessage(candidates, ofMessage, message, { everyLine: wholeLooks > 0, oneGpu });
      if (found === null || found.strength === 'secondary') {
        if (remembered.size >= MAXIMUM_REMEMBERED) remembered.clear();
        remembered.set(key, found);
      }
      return found;
    },
  };
}

const DIGITS = /\d+/g;

/** What a message is like but for its numbers. */
function keyOf({ level, frames, lines }: Message, settled: boolean): string {
  const [first = ''] = lines;
  const text = frames === '' && lines.length === 1 ? first : `${frames} ${lines.join(' ')}`;
  return `${settled ? 'h' : (level ?? '')} ${text.replace(DIGITS, '#')}`;
}

/**
 * Holds a message against the signatures, `ofWhole` on all of it before any of its lines: its first line alone, then its other lines, then all of them as one line, with and
 * without a blank between them (libraries wrap between words, terminals inside them). The first signature of the list that fits is taken. `everyLine`: also where no word of
 * an error stands in it.
 */
function matchMessage(
  signatures: readonly Prepared[],
  ofWhole: readonly Prepared[],
  message: Message,
  { everyLine, oneGpu }: { everyLine: boolean; oneGpu: boolean },
): Match | null {
  const warning = message.level === 'warning';
  const { lines } = message;
  const texts = lines.length > 1 ? [...inOrder(lines), lines.join(' '), lines.join('')] : lines;
  let best: Match | null = null;
  const looks = lines.length > 1 ? [{ text: lines.join(' '), among: ofWhole }] : [];
  for (const { text, among } of [...looks, ...texts.map((text) => ({ text, among: signatures }))]) {
    if (!everyLine && !TRIGGER.test(text)) continue;
    const found = matchText(among, cut(text), message.frames, oneGpu);
    if (found === null) continue;
    const match: Match = {
      ...found,
      line: text,
      handled: warning || isHandled(message) || RETRY.test(text),
      strength:
        warning || isHandled(message)
          ? weaker(found.signature.strength)
          : (found.signature.strength ?? 'primary'),
    };
    if (best === null || tellsMore(match, best)) best = match;
    if (RANK[best.strength] >= RANK.primary && best.signature.generic !== true) break;
  }
  return best;
}

/** pydantic's first line only counts the errors, that of a panic of Rust is a place; what they are stands below it. */
function inOrder(lines: readonly string[]): readonly string[] {
  const [first = '', ...others] = lines;
  return /\d+ validation errors? for |panicked at \S{1,300}:\d+:\d+:$/.test(first)
    ? [...others, first]
    : lines;
}

function cut(text: string): string {
  const half = MAXIMUM_LENGTH / 2;
  return text.length <= MAXIMUM_LENGTH ? text : `${text.slice(0, half)} … ${text.slice(-half)}`;
}

const RANK: Readonly<Record<SignatureStrength, number>> = { secondary: 0, weak: 1, primary: 2, host: 3 };

function tellsMore(match: Match, best: Match): boolean {
  const [rank, bestRank] = [RANK[match.strength], RANK[best.strength]];
  return rank > bestRank || (rank === bestRank && best.signature.generic === true);
}

/** What the hub's client writes before it tries again. */
const RETRY = /thrown while requesting|Retrying in \d|^An error happened while trying to locate/;

/** What is logged as an error and tried again, or done without: it counts only where nothing else is found. */
function isHandled({ file, lines, ofThread }: Message): boolean {
  return (
    ofThread ||
    file === 'repo_utils.py' ||
    file === 'fa_utils.py' ||
    /\bretrying\b|\bfalling back\b|\bwill be retried\b|\bwill ignore error\b|^ignored error while\b/i.test(
      lines[0] ?? '',
    )
  );
}

function weaker(strength: SignatureStrength | undefined): SignatureStrength {
  return strength === 'secondary' || strength === 'host' ? strength : 'weak';
}

function matchText(
  signatures: readonly Prepared[],
  text: string,
  frames: string,
  oneGpu: boolean,
): Pick<Match, 'signature' | 'groups'> | null {
  const lower = text.toLowerCase();
  let frame: Pick<Match, 'signature' | 'groups'> | null = null;
  for (const { signature, words } of signatures) {
    if (signature.oneGpu === true && !oneGpu) continue;
    if (signature.frames !== undefined && !signature.frames.test(frames)) continue;
    for (const [at, pattern] of signature.patterns.entries()) {
      const needed = words[at] ?? null;
      if (needed !== null && !needed.some((word) => lower.includes(word))) continue;
      const match = pattern.exec(text);
      if (match === null || (frame !== null && signature.strength === 'secondary')) continue;
      const found = { signature, groups: match.groups ?? {} };
      if (signature.generic !== true) return found;
      frame ??= found;
    }
  }
  return frame;
}
