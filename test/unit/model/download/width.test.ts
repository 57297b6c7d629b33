import { describe, expect, it } from 'vitest';
import { afterLoss, type LostConnection } from '../../../../src/model/download/retry.ts';
import {
  afterInterval,
  afterRefusal,
  FEWEST_CONNECTIONS,
  FIRST_CONNECTIONS,
  firstWidth,
  MOST_CONNECTIONS,
} from '../../../../src/model/download/width.ts';

/** Connections after so many seconds on a line whose rate depends on their number. */
function connectionsAfter(seconds: number, rateOf: (connections: number) => number): number {
  let width = firstWidth();
  for (let second = 1; second <= seconds; second += 1)
    width = afterInterval(width, rateOf(width.connections), second * 1000);
  return width.connections;
}

describe('the number of connections', () => {
  it('begins with 8 and grows to 16 where each one is slow', () => {
    expect(firstWidth().connections).toBe(FIRST_CONNECTIONS);
    expect(connectionsAfter(3, (connections) => connections * 60e6)).toBe(MOST_CONNECTIONS);
  });

  it('stays at 8 where the line is full, and only tries more now and then', () => {
    expect(connectionsAfter(2, () => 100e6)).toBe(FIRST_CONNECTIONS);
    expect(connectionsAfter(14, () => 100e6)).toBe(FIRST_CONNECTIONS);
  });

  it('takes those back that only slow the line down', () => {
    expect(connectionsAfter(60, (connections) => 100e6 / connections)).toBe(FIRST_CONNECTIONS);
  });

  it('is halved by a refusal, once for connections that were refused together, and never below 2', () => {
    const halved = afterRefusal(firstWidth(), 10_000);
    expect(halved.connections).toBe(4);
    expect(afterRefusal(halved, 10_500).connections).toBe(4);
    expect(afterRefusal(afterRefusal(halved, 20_000), 30_000).connections).toBe(FEWEST_CONNECTIONS);
  });

  it('does not grow again at once after a refusal', () => {
    const halved = afterRefusal(firstWidth(), 1_000);
    expect(afterInterval(halved, 100e6, 10_000).connections).toBe(4);
    expect(afterInterval(halved, 100e6, 17_000).connections).toBe(8);
  });
});

describe('a lost connection', () => {
  const lost: LostConnection = {
    movedBytes: 0,
    silent: false,
    retryAfterSeconds: null,
    barrenInRow: 1,
    othersMove: true,
    waitFor: 'file-host',
    limited: false,
  };

  it('that brought bytes is replaced at once', () => {
    expect(afterLoss({ ...lost, movedBytes: 1_000_000, othersMove: false, barrenInRow: 9 })).toEqual({
      kind: 'replace',
    });
  });

  it('on which nothing came is replaced at once, and given up when that happens three times and nothing else moves', () => {
    expect(afterLoss({ ...lost, silent: true, othersMove: false })).toEqual({ kind: 'replace' });
    expect(afterLoss({ ...lost, silent: true, othersMove: false, barrenInRow: 3 })).toEqual({
      kind: 'give-up',
    });
    expect(afterLoss({ ...lost, silent: true, barrenInRow: 3 })).toEqual({ kind: 'replace' });
  });

  it('that brought nothing lets its file rest, longer each time, while others go on', () => {
    const rest = { kind: 'rest', what: 'file' };
    expect(afterLoss(lost)).toEqual({ ...rest, ms: 1_000 });
    expect(afterLoss({ ...lost, barrenInRow: 4 })).toEqual({ ...rest, ms: 8_000 });
    expect(afterLoss({ ...lost, barrenInRow: 20 })).toEqual({ ...rest, ms: 30_000 });
  });

  it('with a wish to wait stops what the one who asks for it would be asked for', () => {
    const asked = { ...lost, retryAfterSeconds: 7 };
    const rest = { kind: 'rest', ms: 7_000 };
    expect(afterLoss({ ...asked, waitFor: 'hub', limited: true })).toEqual({ ...rest, what: 'hub' });
    expect(afterLoss({ ...asked, limited: true })).toEqual({ ...rest, what: 'all' });
    expect(afterLoss(asked)).toEqual({ ...rest, what: 'file' });
    expect(afterLoss({ ...asked, retryAfterSeconds: 0 })).toEqual({ kind: 'rest', what: 'file', ms: 1_000 });
  });
});
