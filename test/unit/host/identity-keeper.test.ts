import { describe, expect, test } from 'vitest';
import { createIdentityKeeper } from '../../../src/host/identity-keeper.ts';
import type { InstanceMetadata } from '../../../src/host/metadata.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const FOUND: InstanceMetadata = {
  instanceType: 'g2-gpu-rtx4000a1-s',
  region: 'us-ord',
  label: 'my-sandbox',
  publicAddresses: ['192.0.2.17'],
};

/** The processor belongs to the engine and its containers first. */
const FIRST_QUESTION_MS = 1_000;

/** A keeper whose client answers from a list: a value, or null for no answer. The last entry stays. */
function stage(answers: (InstanceMetadata | null)[]) {
  const clock = createManualClock();
  const ending = new AbortController();
  const askedAtMs: number[] = [];
  let changes = 0;
  const keeper = createIdentityKeeper({
    clock,
    log: silentLog,
    hostname: 'localhost-1',
    onChange: () => {
      changes += 1;
    },
    client: {
      read: async () => {
        askedAtMs.push(clock.monotonicMs());
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer === null || answer === undefined) throw new Error('no answer');
        return answer;
      },
    },
  });
  const ended = keeper.run(ending.signal);
  return {
    keeper,
    clock,
    askedAtMs,
    changes: () => changes,
    end: async () => {
      ending.abort(new Error('the test is over'));
      await ended;
    },
  };
}

describe('the identity', () => {
  test('is not asked for while a start has better things to do', async () => {
    const { clock, askedAtMs, end } = stage([FOUND]);
    await clock.advance(FIRST_QUESTION_MS - 1);
    expect(askedAtMs).toEqual([]);
    await clock.advance(1);
    expect(askedAtMs).toHaveLength(1);
    await end();
  });

  test("is the host's own name until the cloud answers", async () => {
    const { keeper, clock, changes, end } = stage([null, FOUND]);
    await clock.advance(FIRST_QUESTION_MS);
    expect(keeper.identity()).toEqual({ instance_type: null, region: null, label: 'localhost-1' });
    expect(keeper.publicAddresses()).toEqual([]);
    await clock.advance(1000);
    expect(keeper.identity()).toEqual({
      instance_type: 'g2-gpu-rtx4000a1-s',
      region: 'us-ord',
      label: 'my-sandbox',
    });
    expect(keeper.publicAddresses()).toEqual(['192.0.2.17']);
    expect(changes()).toBe(1);
    await end();
  });

  test('is asked for in growing pauses where there is no cloud, at most every five minutes', async () => {
    const { clock, askedAtMs, end } = stage([null]);
    await clock.advance(FIRST_QUESTION_MS);
    await clock.advance(1_400_000);
    const pauses = askedAtMs.slice(1).map((at, index) => (at - (askedAtMs[index] ?? 0)) / 1000);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    await end();
  });

  test('is kept while the service is away, and told again only when it has changed', async () => {
    const renamed = { ...FOUND, label: 'renamed' };
    const { keeper, clock, changes, end } = stage([FOUND, FOUND, null, renamed]);
    await clock.advance(FIRST_QUESTION_MS);
    await clock.advance(600_000);
    expect(changes()).toBe(1);
    await clock.advance(600_000);
    expect(keeper.identity().label).toBe('my-sandbox');
    await clock.advance(1_000);
    expect(keeper.identity().label).toBe('renamed');
    expect(changes()).toBe(2);
    await end();
  });
});
