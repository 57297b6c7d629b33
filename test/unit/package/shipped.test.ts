import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleShipped, SHIPPED_FILES } from '../../../scripts/bundle.ts';

describe('what is shipped', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ai-sandbox-shipped-'));
  const cache = join(folder, 'cache');
  beforeAll(() => bundleShipped(folder));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A start that ends at its settings, long after the daemon was compiled. */
  const start = () =>
    spawnSync(process.execPath, [join(folder, 'main.mjs')], {
      encoding: 'utf8',
      env: { NODE_COMPILE_CACHE: cache, AI_SANDBOX_LISTEN: 'nonsense' },
    });

  it('is every file that is named', () => {
    const made = readdirSync(folder).filter((name) => /\.[cm]js$/.test(name));
    expect(made.sort()).toEqual([...SHIPPED_FILES].sort());
  });

  it('starts the daemon, which leaves its code behind and is started with it', () => {
    const first = start();
    expect([first.status, first.stderr]).toEqual([78, expect.stringContaining('AI_SANDBOX_LISTEN')]);
    const written = readFileSync(join(cache, 'daemon.code-cache'));
    const second = start();
    expect([second.status, second.stderr]).toEqual([first.status, first.stderr]);
    // One that serves is not written again so soon.
    expect(readFileSync(join(cache, 'daemon.code-cache')).equals(written)).toBe(true);
  });
});
