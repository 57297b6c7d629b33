import { nearestWord } from './near-miss.ts';
import type { ComposeError } from './service-spec.ts';
import type { Position, TreeNode } from './yaml-tree.ts';

/** A value of the file with the path of its key and the place an error about it names. */
export interface Field {
  node: TreeNode;
  /** `services.api.ports[0]`; '' for the whole file. */
  path: string;
  /** Place of the key, or of the item in a list. */
  at: Position;
}

/** Notes an error at a field. Returns null, so that a reader can end with it. */
export type Report = (field: Pick<Field, 'path' | 'at'>, message: string) => null;

/** A longer message quotes too much of the file. */
const MAXIMUM_MESSAGE_LENGTH = 300;

/**
 * Makes a report that adds to `errors`; the same error at the same place (an anchor used twice) counts once.
 * Where a message quotes the value of one of `secrets` (name and value), its name stands instead.
 */
export function createReport(
  file: string,
  errors: ComposeError[],
  secrets: readonly (readonly [string, string])[] = [],
): Report {
  return ({ path, at }, text) => {
    let whole = text;
    for (const [name, value] of secrets) whole = whole.replaceAll(value, `\${${name}}`);
    const message =
      whole.length > MAXIMUM_MESSAGE_LENGTH ? `${whole.slice(0, MAXIMUM_MESSAGE_LENGTH)}…` : whole;
    const known = errors.some(
      (error) => error.line === at.line && error.column === at.column && error.message === message,
    );
    if (!known) errors.push({ file, line: at.line, column: at.column, key: path, message });
    return null;
  };
}

/** What may stand in a mapping. */
export interface KeyTable {
  known: readonly string[];
  /** Keys of the compose specification that are left out, with what to do instead ('' where nothing is). */
  unsupported?: Readonly<Record<string, string>>;
  /** Whether `x-*` keys are allowed and skipped. */
  extensions?: boolean;
}

/** The known keys of a mapping; every other key is an error. Null where the value is no mapping. */
export function readKeys(field: Field, table: KeyTable, report: Report): Map<string, Field> | null {
  if (field.node.kind === 'null') return new Map();
  if (field.node.kind !== 'map') return report(field, `a mapping is wanted, not ${describe(field.node)}`);
  const found = new Map<string, Field>();
  for (const entry of field.node.entries) {
    const child = { node: entry.value, path: pathOf(field.path, entry.key), at: entry.keyAt };
    if (table.known.includes(entry.key)) found.set(entry.key, child);
    else if (!(table.extensions === true && entry.key.startsWith('x-')))
      report(child, unknownKey(entry.key, table));
  }
  return found;
}

function unknownKey(key: string, table: KeyTable): string {
  const instead = Object.hasOwn(table.unsupported ?? {}, key) ? table.unsupported?.[key] : undefined;
  if (instead !== undefined)
    return `"${key}" is a key of docker compose that ai-sandbox does not support: ${instead === '' ? 'take it out' : instead}`;
  const near = nearestWord(key, table.known);
  return near === null ? `unknown key "${key}"` : `unknown key "${key}"; did you mean "${near}"?`;
}

/** All entries of a mapping with free keys (services, labels). Null where the value is no mapping. */
export function readEntries(field: Field, report: Report): { key: string; field: Field }[] | null {
  if (field.node.kind === 'null') return [];
  if (field.node.kind !== 'map') return report(field, `a mapping is wanted, not ${describe(field.node)}`);
  return field.node.entries.map((entry) => ({
    key: entry.key,
    field: { node: entry.value, path: pathOf(field.path, entry.key), at: entry.keyAt },
  }));
}

/** The items of a list, or null. */
export function readItems(field: Field, report: Report): Field[] | null {
  if (field.node.kind === 'null') return [];
  if (field.node.kind !== 'list') return report(field, `a list is wanted, not ${describe(field.node)}`);
  return itemsOf(field, field.node.items);
}

function itemsOf(field: Field, items: readonly TreeNode[]): Field[] {
  return items.map((node, index) => ({ node, path: `${field.path}[${index}]`, at: node.at }));
}

/** A text that YAML also reads as text: a bare number or flag is an error, as for docker compose. */
export function readText(field: Field, report: Report): string | null {
  if (field.node.kind === 'scalar') {
    const type = scalarType(field.node);
    if (type !== 'text')
      return report(field, `YAML reads ${field.node.text} as a ${type}; write it in quotes`);
    if (field.node.text.includes('\0')) return report(field, 'the text holds a NUL character');
    return field.node.text;
  }
  return report(field, `a text is wanted, not ${describe(field.node)}`);
}

/** A text that is not empty. */
export function readName(field: Field, report: Report): string | null {
  const text = readText(field, report);
  return text === '' ? report(field, 'the value is empty') : text;
}

/**
 * A text, number or flag as text. One that YAML would rewrite (`0755` is 493, `1.0` is 1) is an error:
 * docker compose passes the rewritten one on in silence.
 */
export function readLooseText(field: Field, report: Report): string | null {
  if (field.node.kind !== 'scalar')
    return report(field, `a text or number is wanted, not ${describe(field.node)}`);
  const { text } = field.node;
  const type = scalarType(field.node);
  if (type === 'flag' ? text !== text.toLowerCase() : type !== 'text' && !isCanonicalNumber(text))
    return report(field, `YAML reads ${text} as a ${type} and would rewrite it; write it in quotes`);
  if (text.includes('\0')) return report(field, 'the text holds a NUL character');
  return text;
}

/** `true` or `false`. */
export function readFlag(field: Field, report: Report): boolean | null {
  if (field.node.kind === 'scalar' && (field.node.text === 'true' || field.node.text === 'false'))
    return field.node.text === 'true';
  return report(field, `true or false is wanted, not ${describe(field.node)}`);
}

/** A whole number in a range. */
export function readWhole(field: Field, least: number, most: number, report: Report): number | null {
  const text = field.node.kind === 'scalar' ? field.node.text : '';
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  return report(field, `a whole number from ${least} to ${most} is wanted, not ${describe(field.node)}`);
}

/** One of a few words. */
export function readWord<W extends string>(field: Field, words: readonly W[], report: Report): W | null {
  const text = field.node.kind === 'scalar' ? field.node.text : null;
  const word = words.find((candidate) => candidate === text);
  return word ?? report(field, `one of ${words.join(', ')} is wanted, not ${describe(field.node)}`);
}

/** A list of texts that are not empty; a single text counts as a list where `single` says so. */
export function readTexts(field: Field, report: Report, options: { single?: boolean } = {}): string[] {
  const items =
    options.single === true && field.node.kind === 'scalar' ? [field] : (readItems(field, report) ?? []);
  return items.flatMap((item) => readName(item, report) ?? []);
}

/** For messages: what stands there instead of what is wanted. */
function describe(node: TreeNode): string {
  switch (node.kind) {
    case 'null':
      return 'nothing';
    case 'list':
      return 'a list';
    case 'map':
      return 'a mapping';
    case 'scalar':
      return JSON.stringify(node.text);
  }
}

/** The path of a key inside of a mapping; odd keys stand in quotes. */
export function pathOf(path: string, key: string): string {
  const shown = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? shown : `${path}.${shown}`;
}

/** What docker compose's YAML reader (1.2 with the octal numbers and dates of 1.1) makes of a scalar. */
function scalarType(node: { text: string; plain: boolean }): 'text' | 'number' | 'flag' | 'date' {
  if (!node.plain) return 'text';
  if (/^(true|false|True|False|TRUE|FALSE)$/.test(node.text)) return 'flag';
  if (/^[-+]?(0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+|\d[\d_]*)$/.test(node.text)) return 'number';
  if (/^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?$/.test(node.text)) return 'number';
  if (/^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/.test(node.text)) return 'number';
  if (/^\d{4}-\d{1,2}-\d{1,2}([Tt\s].*)?$/.test(node.text)) return 'date';
  return 'text';
}

function isCanonicalNumber(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text) || /^-?(0|[1-9]\d{0,14})\.\d{0,14}[1-9]$/.test(text);
}
