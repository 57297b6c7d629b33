import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KEYS_AT, PULL_POLICIES, SERVICE_KEYS, TOP_LEVEL_KEYS } from '../../../src/compose/service-keys.ts';
import { parseYamlTree, type TreeNode } from '../../../src/compose/yaml-tree.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/compose');
const TABLE: Readonly<Record<string, readonly string[]>> = {
  '': TOP_LEVEL_KEYS,
  'services.*': SERVICE_KEYS,
  ...KEYS_AT,
};

const trees = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.yml'))
  .flatMap((name) => parseYamlTree(readFileSync(join(FIXTURES, name), 'utf8'), name).root ?? []);

/** The values at a place of {@link TABLE}. */
function valuesAt(node: TreeNode, path: string): TreeNode[] {
  if (path === '') return [node];
  const [, step = '', rest = ''] = /^(\*|\[\]|[^.[]+)\.?(.*)$/.exec(path) ?? [];
  if (step === '[]') return node.kind === 'list' ? node.items.flatMap((item) => valuesAt(item, rest)) : [];
  if (node.kind !== 'map') return [];
  return node.entries
    .filter(({ key }) => step === '*' || key === step)
    .flatMap(({ value }) => valuesAt(value, rest));
}

describe('the files that are compared with docker compose', () => {
  it.each(Object.keys(TABLE))('use every key that is read at "%s"', (path) => {
    const used = trees
      .flatMap((tree) => valuesAt(tree, path))
      .flatMap((value) => (value.kind === 'map' ? value.entries.map(({ key }) => key) : []));
    expect(TABLE[path]?.filter((key) => !used.includes(key))).toEqual([]);
  });

  // `always` asks a registry, and there is none behind the image of these files.
  it('use every pull policy that makes no pull', () => {
    const used = trees
      .flatMap((tree) => valuesAt(tree, 'services.*.pull_policy'))
      .map((value) => (value.kind === 'scalar' ? value.text : ''));
    expect(PULL_POLICIES.filter((policy) => !used.includes(policy))).toEqual(['always']);
  });
});
