/** Strings that terminals act on without showing them (window titles, links), with what ends them. */
const ESCAPE_STRINGS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d\u009e\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?/g;

/** The other escape sequences: colours, cursor movements, switches. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPE_SEQUENCES = /[\u001b\u009b]\[?[0-9;:?<=>!]*[ -/]*[@-~]/g;

/** Control characters, and those that reorder or hide text on the screen (bidirectional marks, zero widths). */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]+/gu;

/**
 * Makes foreign text harmless on one line of a terminal or log: no escape sequence, control character, line end or
 * character that reorders text survives; runs of white space become one space.
 */
export function toPlainLine(text: string): string {
  return text
    .replace(ESCAPE_STRINGS, '')
    .replace(ESCAPE_SEQUENCES, '')
    .replace(UNPRINTABLE, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** {@link toPlainLine} in ASCII, where a character is exactly a column wide: accents go, the rest becomes `?`. */
export function toAsciiLine(text: string): string {
  return toPlainLine(text)
    .replace(/[\u2010-\u2015]/g, '-')
    .replace(/[\u2018\u2019\u201a]/g, "'")
    .replace(/[\u201c\u201d\u201e\u00ab\u00bb]/g, '"')
    .replace(/\u2026/g, '...')
    .replace(/\u00d7/g, 'x')
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[^ -~]/gu, '?');
}

/**
 * Breaks text into lines of at most `width` columns at spaces; a word longer than a line is cut.
 * `indent` stands before every line and counts.
 */
export function wrapLine(text: string, width: number, indent = ''): string[] {
  const room = Math.max(1, width - indent.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    let rest = word;
    if (line !== '' && line.length + 1 + rest.length <= room) {
      line += ` ${rest}`;
      continue;
    }
    if (line !== '') lines.push(line);
    while (rest.length > room) {
      lines.push(rest.slice(0, room));
      rest = rest.slice(room);
    }
    line = rest;
  }
  if (line !== '') lines.push(line);
  return lines.map((each) => indent + each);
}

/** The text as a sentence to which another may be added: with a full stop, unless it ends with a mark of its own. */
export function asSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** C0 and C1 controls, line and paragraph separators, and the marks that reverse the direction of text. */
const TERMINAL_CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * Text without anything that could steer a terminal, each such character a space: the columns of a log (the indentation of
 * a traceback) stay as they are.
 */
export function printable(text: string): string {
  return text.replace(TERMINAL_CONTROLS, ' ');
}
