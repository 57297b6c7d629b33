import { interpolate, type Lookup, lookupIn } from './interpolate.ts';
import type { ComposeError } from './service-spec.ts';

/** What an environment file says. */
export interface EnvironmentFile {
  values: Record<string, string>;
  errors: ComposeError[];
}

/** One assignment with its place in the text. */
interface Assignment {
  name: string;
  /** Offset of the name, and of the first character after the value and its comment. */
  start: number;
  end: number;
  /** Null for a name alone, which takes its value from outside. */
  raw: { text: string; expands: boolean } | null;
}

/**
 * Reads docker compose's form of a `.env` file: comments, `export`, `NAME=value` and `NAME: value`, single quotes
 * (literal), double quotes (escapes, expressions, several lines), bare values (expressions, ` #` begins a comment).
 * Expressions see `outer` first, then earlier names of the file; a name alone is taken from `outer`.
 * Collects every error; lines with errors have no value. `file` is only named in errors.
 */
export function parseEnvironmentFile(
  text: string,
  file: string,
  outer: Record<string, string> = {},
): EnvironmentFile {
  const values: Record<string, string> = {};
  const errors: ComposeError[] = [];
  const outside = lookupIn(outer);
  const lookup: Lookup = (name) => outside(name) ?? lookupIn(values)(name);
  for (const found of scan(text)) {
    if ('message' in found) {
      errors.push({ file, ...positionAt(text, found.at), key: found.name, message: found.message });
      continue;
    }
    const { name, raw } = found;
    if (raw === null) {
      const inherited = outside(name);
      if (inherited !== undefined) assign(values, name, inherited);
      continue;
    }
    const result = raw.expands
      ? interpolate(raw.text, lookup, { loneDollar: 'literal' })
      : { text: raw.text, errors: [] };
    for (const problem of result.errors)
      errors.push({ file, ...positionAt(text, found.start), key: name, message: problem.message });
    if (result.errors.length === 0) assign(values, name, result.text);
  }
  return { values, errors };
}

/**
 * The text with these values set: an assignment that stands there is replaced in its place, a new one is added at the end,
 * comments and order stay. The result reads back as exactly these values.
 */
export function setInEnvironmentFile(text: string, values: Record<string, string>): string {
  const assignments = scan(text).flatMap((found) => ('message' in found ? [] : [found]));
  let result = '';
  let at = 0;
  const written = new Set<string>();
  for (const { name, start, end } of assignments) {
    if (!Object.hasOwn(values, name)) continue;
    result += `${text.slice(at, start)}${name}=${quote(values[name] ?? '')}`;
    at = end;
    written.add(name);
  }
  result += text.slice(at);
  const added = Object.keys(values).filter((name) => !written.has(name));
  if (added.length > 0 && result !== '' && !result.endsWith('\n')) result += '\n';
  for (const name of added) result += `${name}=${quote(values[name] ?? '')}\n`;
  return result;
}

/** Characters that mean themselves in a bare value. An empty one is quoted: a comment behind it would become the value. */
const BARE = /^[A-Za-z0-9_./:@%+,=-]+$/;

function quote(value: string): string {
  if (BARE.test(value)) return value;
  if (!/['\\\n\r]/.test(value)) return `'${value}'`;
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('$', '\\$')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `"${escaped}"`;
}

interface ScanError {
  at: number;
  name: string;
  message: string;
}

const NAME_PART = /[A-Za-z0-9_.\-[\]]+/y;
const BLANK = /[ \t\v\f\r]*/y;

/** Every assignment and error of the text, in order. An error skips the rest of its line. */
function scan(text: string): (Assignment | ScanError)[] {
  const found: (Assignment | ScanError)[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const start = at + lengthOf(/[\s]*/y, text, at);
    if (start >= text.length) break;
    if (text[start] === '#') {
      at = lineEnd(text, start);
      continue;
    }
    const next = scanAssignment(text, start);
    found.push(next);
    at = 'message' in next ? lineEnd(text, next.at) : next.end;
  }
  return found;
}

function scanAssignment(text: string, from: number): Assignment | ScanError {
  const start = from + lengthOf(/export[ \t]+/y, text, from);
  const nameEnd = start + lengthOf(NAME_PART, text, start);
  const name = text.slice(start, nameEnd);
  const sign = nameEnd + lengthOf(BLANK, text, nameEnd);
  if (name === '') return { at: start, name: '', message: 'a name is wanted: NAME=value' };
  if (sign >= text.length || text[sign] === '\n') return { name, start, end: sign, raw: null };
  if (text[sign] !== '=' && text[sign] !== ':')
    return { at: start, name, message: `a = is wanted after the name ${name}` };
  const valueAt = sign + 1 + lengthOf(BLANK, text, sign + 1);
  const mark = text[valueAt];
  if (mark === '"' || mark === "'") return scanQuoted(text, name, start, valueAt, mark);
  const end = lineEnd(text, valueAt);
  const line = text.slice(valueAt, end);
  // A # right after the sign begins the value, not a comment: docker compose reads it so.
  const comment = line.indexOf(' #');
  const value = (comment < 0 ? line : line.slice(0, comment)).trimEnd();
  return { name, start, end: valueAt + value.length, raw: { text: value, expands: true } };
}

function scanQuoted(
  text: string,
  name: string,
  start: number,
  open: number,
  mark: string,
): Assignment | ScanError {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === mark) {
      const inside = text.slice(open + 1, at);
      const rest = text.slice(at + 1, lineEnd(text, at + 1));
      if (!/^\s*(#.*)?$/.test(rest))
        return { at: start, name, message: `only a comment may follow the closing quote of ${name}` };
      const raw =
        mark === "'"
          ? { text: inside.replaceAll("\\'", "'"), expands: false }
          : { text: resolveEscapes(inside), expands: true };
      return { name, start, end: at + 1, raw };
    }
  }
  return { at: start, name, message: `the closing quote of ${name} is missing` };
}

const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // Stays an escape: the expressions that are replaced afterwards write a literal dollar so.
  $: '$$',
};

/** Escapes of a double-quoted value; an unknown one stays as it is. */
function resolveEscapes(text: string): string {
  return text.replace(/\\(0[0-7]{1,3}|.)/gs, (whole, code: string) =>
    code.length > 1 ? String.fromCharCode(Number.parseInt(code, 8) & 0xff) : (ESCAPES[code] ?? whole),
  );
}

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

function assign(values: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(values, name, { value, enumerable: true, writable: true, configurable: true });
}
