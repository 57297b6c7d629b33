import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bootSeconds } from '../../../src/host/boot-id.ts';
import { systemClock, toTimestamp } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createInstallerWatch } from '../../../src/wiring/installer-watch.ts';

const BOOT = '5f0c2a8e-1111-4222-8333-0123456789ab';
let directory: string;
let path: string;
let changes = 0;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'installer-'));
  path = join(directory, 'installer-steps.jsonl');
  changes = 0;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const watchOf = (bootId: string | null) =>
  createInstallerWatch({
    path,
    bootId,
    gpuAnswers: () => false,
    clock: systemClock,
    log: silentLog,
    onChange: () => {
      changes += 1;
    },
  });
const tell = (step: string, state: string, pid: number, more = {}) =>
  appendFile(
    path,
    `${JSON.stringify({ step, state, at: toTimestamp(new Date()), boot_id: BOOT, uptime_seconds: bootSeconds(), pid, detail: '', ...more })}\n`,
  );

test('what is told is taken over once, as long as its meaning is the same', async () => {
  const watch = watchOf(BOOT);
  await watch.refresh();
  expect([watch.verdict().driver, changes]).toEqual(['not_awaited', 0]);
  await tell('gpu_driver', 'planned', process.pid);
  await watch.refresh();
  await watch.refresh();
  expect([watch.verdict().driver, watch.verdict().atWork, changes]).toEqual(['coming', true, 1]);
});

test.each<[string, string | null, number]>([
  ['of another boot', '99999999-1111-4222-8333-0123456789ab', process.pid],
  ['whose process is gone', BOOT, 4_194_305],
])('a step %s was interrupted, and a problem says so until it is done', async (_what, boot, pid) => {
  const watch = watchOf(boot);
  await tell('gpu_driver', 'started', pid);
  await watch.refresh();
  expect(watch.problem()).toMatchObject({ code: 'installer_interrupted', class: 'host' });
  await tell('gpu_driver', 'finished', pid);
  await watch.refresh();
  expect([watch.problem(), watch.verdict().driver]).toEqual([null, 'not_awaited']);
});
