import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const TOP = join(import.meta.dirname, '../../..');
const DOCUMENTS = ['*.md', 'docs/*.md', 'test/*/README.md', 'bench/*.md'].flatMap((pattern) =>
  globSync(pattern, { cwd: TOP }),
);

it.each(DOCUMENTS)('every relative link of %s leads to a file', (document) => {
  const text = readFileSync(join(TOP, document), 'utf8');
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? '');
  const dead = targets.filter(
    (target) => !/^[a-z]+:/.test(target) && !existsSync(join(TOP, dirname(document), target)),
  );
  expect(dead).toEqual([]);
});
