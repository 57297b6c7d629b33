/**
 * Reads the text of a file for `EnvironmentFile=` as systemd does (systemd.exec(5)): `NAME=value`, one a line; lines that
 * begin with # or ; and lines without = are ignored; a value may be quoted with ' (as it stands) or " (with \ before " \ ` $);
 * outside of quotes \ takes the next character as it is, and at the end of a line joins the next one; white space around an
 * unquoted value is not part of it. A later line wins.
 */
export function parseUnitEnvironment(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    const line = /[^\n]*/y;
    line.lastIndex = at;
    const head = line.exec(text)?.[0] ?? '';
    const name = /^[ \t\r]*([^#;=\s][^=]*)=/.exec(head);
    if (name === null || /^[ \t\r]*[#;]/.test(head)) {
      at += head.length + 1;
      continue;
    }
    const read = readValue(text, at + name[0].length);
    at = read.end + 1;
    const key = (name[1] ?? '').trim();
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) values[key] = read.value;
  }
  return values;
}

/** Characters before which \ means the character inside of double quotes. */
const ESCAPABLE = '"\\`$';

/** Reads from `start` to the end of the value; `end` is the place of the line end after it, or the end of the text. */
function readValue(text: string, start: number): { value: string; end: number } {
  let value = '';
  /** Length of the value up to the last character that is not trailing white space. */
  let kept = 0;
  let quote = '';
  let at = start;
  while (at < text.length && /[ \t]/.test(text.charAt(at))) at += 1;
  const take = (characters: string) => {
    value += characters;
    kept = value.length;
  };
  for (; at < text.length; at += 1) {
    const character = text.charAt(at);
    const next = text.charAt(at + 1);
    if (quote === '' && character === '\n') break;
    if (character === quote) {
      quote = '';
      kept = value.length;
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
    } else if (character === '\\' && quote !== "'" && next !== '') {
      if (next === '\n') {
        // The next line goes on with this value.
      } else if (quote === '' || ESCAPABLE.includes(next)) take(next);
      else take(`\\${next}`);
      at += 1;
    } else if (quote === '' && /\s/.test(character)) {
      value += character;
    } else {
      take(character);
    }
  }
  return { value: value.slice(0, kept), end: at };
}
