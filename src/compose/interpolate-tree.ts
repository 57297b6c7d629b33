import { type Field, pathOf, type Report } from './field.ts';
import { interpolate, type Lookup, lookupIn } from './interpolate.ts';
import type { Position, TreeNode } from './yaml-tree.ts';

/** Names that no expression may see, whatever the file allows: the token of the hub is the daemon's alone. */
export const FORBIDDEN_NAMES: readonly string[] = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'];

/** What a tree is interpolated with. */
export interface TreeInterpolation {
  variables: Record<string, string>;
  /** The file's text, in which expressions are looked up for their place. */
  text: string;
  positionOf(offset: number): Position;
  report: Report;
  notice(field: Pick<Field, 'at'>, message: string): void;
  /** Told the path of a value that could not be made: what a reader finds wrong with it then is no news. */
  failed(path: string): void;
}

/** Replaces expressions in every value; keys and top-level `x-*` parts stay as they are. A replaced value counts as quoted. */
export function interpolateTree(root: TreeNode, options: TreeInterpolation): TreeNode {
  const lookup = lookupIn(options.variables);
  return walk(root, '', lookup, options);
}

function walk(node: TreeNode, path: string, lookup: Lookup, options: TreeInterpolation): TreeNode {
  switch (node.kind) {
    case 'null':
      return node;
    case 'list':
      return {
        ...node,
        items: node.items.map((item, index) => walk(item, `${path}[${index}]`, lookup, options)),
      };
    case 'map':
      return {
        ...node,
        entries: node.entries.map((entry) => {
          if (path === '' && entry.key.startsWith('x-')) return entry;
          const inner = pathOf(path, entry.key);
          return { ...entry, value: walk(entry.value, inner, lookup, options) };
        }),
      };
    case 'scalar': {
      if (!node.text.includes('$')) return node;
      const result = interpolate(node.text, lookup);
      const placeOf = (expression: string): Position => {
        const [start, end] = node.source;
        const offset = options.text.slice(start, end).indexOf(expression);
        return offset < 0 ? node.at : options.positionOf(start + offset);
      };
      for (const error of result.errors)
        options.report({ path, at: placeOf(error.expression) }, `${error.expression}: ${error.message}`);
      if (result.errors.length > 0) options.failed(path);
      for (const name of result.missing)
        options.notice(
          node,
          FORBIDDEN_NAMES.includes(name)
            ? `${name} is never handed to a container and counts as empty (in ${path})`
            : `${name} is not set and counts as empty (in ${path})`,
        );
      return { ...node, text: result.text, plain: false };
    }
  }
}
