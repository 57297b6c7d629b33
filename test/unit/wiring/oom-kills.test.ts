import { expect, test } from 'vitest';
import type { KernelEvent } from '../../../src/host/kernel-log.ts';
import { createOomKills } from '../../../src/wiring/oom-kills.ts';
import { createVirtualClock, VIRTUAL_START } from '../../support/virtual-clock.ts';

const ID = 'a'.repeat(64);
const UPTIME_SECONDS = 1_000;

/** Kills that the kernel reports at the first look, by seconds before now. */
function stage(kills: { id: string | null; agoSeconds: number | null }[] | null) {
  const events = kills?.map(
    ({ id, agoSeconds }): KernelEvent => ({
      kind: 'oom_kill',
      atSeconds: agoSeconds === null ? null : UPTIME_SECONDS - agoSeconds,
      containerId: id,
      scope: 'limit',
      process: 'VLLM::EngineCor',
      message: '',
    }),
  );
  let looks = 0;
  const oomKills = createOomKills({
    kernelLog: {
      poll: () => {
        looks += 1;
        return Promise.resolve(looks === 1 ? (events ?? null) : []);
      },
      close: () => Promise.resolve(),
    },
    uptimeSeconds: () => UPTIME_SECONDS,
    clock: createVirtualClock(),
  });
  const at = (agoSeconds: number) => new Date(VIRTUAL_START - agoSeconds * 1_000).toISOString();
  return { explains: (agoSeconds: number, id = ID) => oomKills.explains(id, at(agoSeconds)) };
}

test('a kill in the container explains the exit that follows, also when it is asked for again', async () => {
  const { explains } = stage([{ id: ID, agoSeconds: 5 }]);
  expect(await explains(2)).toBe(true);
  expect(await explains(2)).toBe(true);
});

test('a kill in another container, of long ago or without a time explains nothing', async () => {
  expect(await stage([{ id: 'b'.repeat(64), agoSeconds: 5 }]).explains(2)).toBe(false);
  expect(await stage([{ id: null, agoSeconds: 5 }]).explains(2)).toBe(false);
  expect(await stage([{ id: ID, agoSeconds: 300 }]).explains(2)).toBe(false);
  expect(await stage([{ id: ID, agoSeconds: null }]).explains(2)).toBe(false);
});

test('a log of the kernel that may not be read explains nothing', async () => {
  expect(await stage(null).explains(2)).toBe(false);
});
