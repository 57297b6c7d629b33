import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { ComposeError } from './service-spec.ts';

/** A place in a file; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** One key of a mapping. */
interface TreeEntry {
  key: string;
  keyAt: Position;
  value: TreeNode;
}

/**
 * YAML with its places kept, aliases and merge keys resolved and scalars still text:
 * what a text means (number, flag, duration) is decided by the key it stands under, after interpolation.
 */
export type TreeNode =
  | { kind: 'null'; at: Position }
  | {
      kind: 'scalar';
      text: string;
      /** Written without quotes, so that YAML may read it as a number or flag. */
      plain: boolean;
      at: Position;
      /** Offsets of the scalar in the file: where an expression inside of it is looked for. */
      source: readonly [number, number];
    }
  | { kind: 'list'; items: TreeNode[]; at: Position }
  | { kind: 'map'; entries: TreeEntry[]; at: Position };

/** The result of {@link parseYamlTree}: a tree only where there are no errors. */
export interface ParsedTree {
  root: TreeNode | null;
  errors: ComposeError[];
  /** Place of an offset in the text. */
  positionOf(offset: number): Position;
}

/** Nodes a file may have with every alias counted as often as it is used; a real file has a few hundred. */
const MAXIMUM_NODES = 20_000;

/** Levels a file may be nested, aliases followed; a real file has about eight. */
const MAXIMUM_DEPTH = 64;

/** Tags that say what a value is anyway; others change its meaning. */
const PLAIN_TAGS = ['str', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`);

/** Reads YAML 1.2 text. Collects every error; never throws. */
export function parseYamlTree(text: string, file: string): ParsedTree {
  const lines = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: 'failsafe',
    merge: false,
    uniqueKeys: true,
    prettyErrors: false,
    // `silent` would also hide that a second document follows
    logLevel: 'error',
  });
  const errors: ComposeError[] = [...document.errors, ...document.warnings].map((problem) => ({
    file,
    ...positionOf(problem.pos[0]),
    key: '',
    message: explainSyntax(problem.code, problem.message),
  }));
  if (errors.length > 0) return { root: null, errors, positionOf };
  const builder = createBuilder(document, positionOf, (at, message) =>
    errors.push({ file, ...at, key: '', message }),
  );
  const root = builder(document.contents, 0);
  return { root: errors.length > 0 ? null : root, errors, positionOf };
}

/** What a person does about the errors of the yaml library (its `ErrorCode`) whose own words are about the parser. */
const SYNTAX_REMEDIES: Readonly<Record<string, string>> = {
  BAD_INDENT: 'this line is indented otherwise than the lines of its level',
  BAD_SCALAR_START: 'write a value that begins with this character in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'write a value with ": " in it in quotes, or begin a new line before it',
  MISSING_CHAR: 'a quote or bracket that was opened before is not closed',
  MULTILINE_IMPLICIT_KEY: 'behind a key stand a colon and a space',
};

function explainSyntax(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in the same mapping; keep one of them';
  if (code === 'TAB_AS_INDENT') return 'a tab stands where YAML wants spaces for indentation';
  if (code === 'MULTIPLE_DOCS') return 'the file holds more than one document (---); keep one';
  const remedy = SYNTAX_REMEDIES[code];
  return remedy === undefined ? `not valid YAML: ${message}` : `not valid YAML: ${remedy} (${message})`;
}

type Fail = (at: Position, message: string) => void;

function createBuilder(document: Document, positionOf: (offset: number) => Position, fail: Fail) {
  let nodes = 0;
  let stopped = false;
  const open = new Set<unknown>();

  const stop = (at: Position, message: string): TreeNode => {
    if (!stopped) fail(at, message);
    stopped = true;
    return { kind: 'null', at };
  };
  const startOf = (node: unknown): Position => {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : null;
    return positionOf(range?.[0] ?? 0);
  };

  const build = (node: unknown, depth: number): TreeNode => {
    const at = startOf(node);
    if (stopped) return { kind: 'null', at };
    nodes += 1;
    if (nodes > MAXIMUM_NODES)
      return stop(at, `the file grows beyond ${MAXIMUM_NODES} values by its aliases (*name); write it out`);
    if (depth > MAXIMUM_DEPTH) return stop(at, `the file is nested deeper than ${MAXIMUM_DEPTH} levels`);
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined) return stop(at, `the alias *${node.source} has no anchor &${node.source}`);
      if (open.has(target)) return stop(at, `the alias *${node.source} contains itself`);
      return build(target, depth + 1);
    }
    const tag = isScalar(node) || isMap(node) || isSeq(node) ? node.tag : undefined;
    if (tag !== undefined && !PLAIN_TAGS.includes(tag)) fail(at, `the YAML tag ${tag} is not supported`);
    if (isScalar(node)) return scalar(node, at);
    open.add(node);
    try {
      if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => build(item, depth + 1)), at };
      if (isMap(node)) return { kind: 'map', entries: entriesOf(node, depth), at };
    } finally {
      open.delete(node);
    }
    return { kind: 'null', at };
  };

  const scalar = (node: Scalar, at: Position): TreeNode => {
    const text = String(node.value ?? '');
    const plain = node.tag === undefined && (node.type === 'PLAIN' || node.type === undefined);
    if (plain && isNullWord(text)) return { kind: 'null', at };
    return { kind: 'scalar', text, plain, at, source: [node.range?.[0] ?? 0, node.range?.[1] ?? 0] };
  };

  const entriesOf = (map: YAMLMap, depth: number): TreeEntry[] => {
    const own: TreeEntry[] = [];
    const merged: TreeEntry[] = [];
    for (const pair of map.items) {
      if (!isPair(pair)) continue;
      const key = isAlias(pair.key) ? pair.key.resolve(document) : pair.key;
      const keyAt = startOf(pair.key);
      if (!isScalar(key)) {
        fail(keyAt, 'a key must be a plain word');
        continue;
      }
      const name = String(key.value ?? '');
      const value = build(pair.value ?? null, depth + 1);
      const placed = pair.value === null ? { kind: 'null' as const, at: keyAt } : value;
      if (name === '<<' && key.type === 'PLAIN') merged.push(...mergeSources(placed, keyAt));
      else own.push({ key: name, keyAt, value: placed });
    }
    const taken = new Set(own.map((entry) => entry.key));
    const inherited: TreeEntry[] = [];
    for (const entry of merged) {
      if (taken.has(entry.key)) continue;
      taken.add(entry.key);
      inherited.push(entry);
    }
    return [...inherited, ...own];
  };

  const mergeSources = (value: TreeNode, at: Position): TreeEntry[] => {
    if (value.kind === 'map') return value.entries;
    if (value.kind === 'list' && value.items.every((item) => item.kind === 'map'))
      return value.items.flatMap((item) => (item.kind === 'map' ? item.entries : []));
    fail(at, 'the merge key << takes a mapping, or a list of mappings');
    return [];
  };

  return build;
}

/** The words YAML's core schema reads as null. */
function isNullWord(text: string): boolean {
  return text === '' || text === '~' || text === 'null' || text === 'Null' || text === 'NULL';
}
