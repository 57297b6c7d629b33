import { describe, expect, it } from 'vitest';
import { createClaims } from '../../../../src/model/download/claims.ts';
import { createLimiter } from '../../../../src/model/download/limiter.ts';
import { SMALLEST_PART_BYTES } from '../../../../src/model/download/plan.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const alive = new AbortController().signal;
const MIB = 1024 * 1024;

describe('the limit of the rate', () => {
  it('holds all connections together to it', async () => {
    const clock = createVirtualClock();
    const limiter = createLimiter(clock, 1_000_000);
    let taken = 0;
    const connection = async () => {
      for (;;) {
        await limiter.take(64_000, alive);
        taken += 64_000;
      }
    };
    for (let at = 0; at < 8; at += 1) connection().catch(() => undefined);
    await clock.advance(20_000);
    expect(taken / 20).toBeGreaterThan(950_000);
    expect(taken / 20).toBeLessThan(1_050_000);
  });

  it('is none where none is set', () => {
    expect(createLimiter(createVirtualClock(), null).take(1e12, alive)).toBeUndefined();
  });

  it('does not make up for time in which nothing came', async () => {
    const clock = createVirtualClock();
    const limiter = createLimiter(clock, 1_000_000);
    await clock.advance(60_000);
    expect(limiter.take(1_000_000, alive)).toBeInstanceOf(Promise);
  });
});

describe('claims beside the download', () => {
  const claimable = () => {
    const file = {
      unclaimedBytes: 0,
      claims: 0,
      release: () => {},
      claim: () =>
        new Promise<void>((resolve) => {
          file.claims += 1;
          file.release = () => {
            file.unclaimedBytes = 0;
            resolve();
          };
        }),
    };
    return file;
  };

  it('begin with 8 MiB, one at a time, with the file that has most', () => {
    const [few, many] = [claimable(), claimable()];
    const claims = createClaims(() => [few, many]);
    few.unclaimedBytes = 3 * MIB;
    many.unclaimedBytes = 4 * MIB;
    expect(claims.written(8)).toBeUndefined();
    many.unclaimedBytes = 6 * MIB;
    expect(claims.written(8)).toBeUndefined();
    expect(claims.written(8)).toBeUndefined();
    expect([few.claims, many.claims]).toEqual([0, 1]);
  });

  it('make connections wait when a crash would cost more than one part for each', async () => {
    const file = claimable();
    const claims = createClaims(() => [file]);
    file.unclaimedBytes = 4 * SMALLEST_PART_BYTES;
    let waited = true;
    const wait = claims.written(4)?.then(() => {
      waited = false;
    });
    await Promise.resolve();
    expect(waited).toBe(true);
    file.release();
    await wait;
    expect(waited).toBe(false);
  });

  it('are made for little too, when they are asked for', () => {
    const file = claimable();
    const claims = createClaims(() => [file]);
    claims.now();
    expect(file.claims).toBe(0);
    file.unclaimedBytes = 1;
    claims.now();
    expect(file.claims).toBe(1);
  });

  it('tell the connections of a disk that fails', async () => {
    const failing = { unclaimedBytes: 100 * MIB, claim: () => Promise.reject(new Error('ENOSPC')) };
    await expect(createClaims(() => [failing]).written(4)).rejects.toThrow('ENOSPC');
  });
});
