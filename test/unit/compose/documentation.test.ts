import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SERVICE_KEYS, TOP_LEVEL_KEYS } from '../../../src/compose/service-keys.ts';

const page = readFileSync(new URL('../../../docs/compose.md', import.meta.url), 'utf8');

describe('docs/compose.md', () => {
  it('names every key that is read', () => {
    const named = (key: string) => new RegExp(`\`${key}[\`.]`).test(page);
    expect([...SERVICE_KEYS, ...TOP_LEVEL_KEYS].filter((key) => !named(key))).toEqual([]);
  });

  it('names no key of a service that is not read', () => {
    const row = /^\| a service \|(.*)\|$/m.exec(page)?.[1] ?? '';
    const named = [...row.replace(/\([^)]*\)/g, '').matchAll(/`([a-z_]+)/g)].map((match) => match[1] ?? '');
    const known: readonly string[] = SERVICE_KEYS;
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((key) => !known.includes(key) && key !== 'x')).toEqual([]);
  });
});
