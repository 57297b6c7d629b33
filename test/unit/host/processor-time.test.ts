import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { processorTimeMs } from '../../../src/host/processor-time.ts';

const ID = 'f'.repeat(64);
const made: string[] = [];
afterEach(async () => {
  for (const root of made.splice(0)) await rm(root, { recursive: true });
});

/** The control groups of a machine, with one file in them. */
async function groupsWith(path: string, text: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'ai-sandbox-cgroup-'));
  made.push(root);
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
  return root;
}

test.each<[string, string, string]>([
  [
    'cgroup v2 with systemd',
    `system.slice/docker-${ID}.scope/cpu.stat`,
    'usage_usec 1500000\nuser_usec 1\nsystem_usec 2\n',
  ],
  ['cgroup v2 without', `docker/${ID}/cpu.stat`, 'usage_usec 1500000\n'],
  ['cgroup v1 with systemd', `cpuacct/system.slice/docker-${ID}.scope/cpuacct.usage`, '1500000000\n'],
  ['cgroup v1 without', `cpuacct/docker/${ID}/cpuacct.usage`, '1500000000\n'],
])('the processor time of a container is read on %s', async (_title, path, text) => {
  const root = await groupsWith(path, text);
  expect(await processorTimeMs(ID, root)).toBe(1_500);
  expect(await processorTimeMs('e'.repeat(64), root)).toBeNull();
});

test('what the kernel does not tell is not known', async () => {
  expect(await processorTimeMs(ID, await groupsWith(`docker/${ID}/cpu.stat`, ''))).toBeNull();
});
