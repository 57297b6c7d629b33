/**
 * Cuts a command into words as a POSIX shell does: quotes and backslashes, no expansion of any kind.
 * Null where a quote is left open.
 */
export function splitShellWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
      at += 1;
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return null;
      word = (word ?? '') + text.slice(at + 1, end);
      at = end + 1;
    } else if (char === '"') {
      const quoted = readDoubleQuoted(text, at + 1);
      if (quoted === null) return null;
      word = (word ?? '') + quoted.value;
      at = quoted.end;
    } else if (char === '\\') {
      if (text[at + 1] !== '\n') word = (word ?? '') + (text[at + 1] ?? '');
      at += 2;
    } else {
      word = (word ?? '') + char;
      at += 1;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/** In double quotes a backslash escapes only these (POSIX 2.2.3). */
const ESCAPED_IN_DOUBLE_QUOTES = '$`"\\';

function readDoubleQuoted(text: string, from: number): { value: string; end: number } | null {
  let value = '';
  for (let at = from; at < text.length; at += 1) {
    const char = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (char === '"') return { value, end: at + 1 };
    if (char === '\\' && next !== '' && ESCAPED_IN_DOUBLE_QUOTES.includes(next)) {
      value += next;
      at += 1;
    } else if (char === '\\' && next === '\n') at += 1;
    else value += char;
  }
  return null;
}
