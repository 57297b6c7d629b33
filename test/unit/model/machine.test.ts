import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dependsOnToken,
  initialState,
  isDue,
  type ModelEvent,
  type ModelState,
  nextState,
  pauseMs,
} from '../../../src/model/machine.ts';

const failed = (
  code: 'hub_unreachable' | 'model_gated' | 'disk_full',
  retryAfterSeconds: number | null = null,
) => ({ type: 'failed', finding: { code, detail: code }, retryAfterSeconds }) as const satisfies ModelEvent;
const stateAfter = (events: ModelEvent[], nowMs = 0) =>
  events.reduce((state, event) => nextState(state, event, nowMs), initialState(0));
/** After one attempt, or several one after the other, that ended so. */
const afterAttempts = (ends: ModelEvent[], nowMs = 0) =>
  stateAfter(
    ends.flatMap((end) => [{ type: 'attempted' }, end]),
    nowMs,
  );

describe('the model machine', () => {
  it('goes from pending over downloading to completed', () => {
    expect(initialState(5)).toMatchObject({ status: 'pending', nextAttemptMs: 5 });
    expect(stateAfter([{ type: 'started' }]).status).toBe('downloading');
    expect(stateAfter([{ type: 'attempted' }, { type: 'started' }, { type: 'completed' }])).toMatchObject({
      status: 'completed',
      nextAttemptMs: null,
    });
  });

  it('retries a transient failure after 5 s doubling to 300 s, for ever', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 500].map(pauseMs)).toEqual(
      [5, 10, 20, 40, 80, 160, 300, 300, 300].map((seconds) => seconds * 1000),
    );
    const again = { type: 'attempted' } as const;
    const state = stateAfter(
      [again, { type: 'started' }, failed('hub_unreachable'), again, failed('hub_unreachable')],
      1000,
    );
    expect(state).toMatchObject({ status: 'downloading', attempts: 2, nextAttemptMs: 11_000 });
    expect([isDue(state, 10_999), isDue(state, 11_000)]).toEqual([false, true]);
  });

  it('waits longer where the hub asks for it', () => {
    expect(afterAttempts([failed('hub_unreachable', 60)]).nextAttemptMs).toBe(60_000);
    expect(afterAttempts([failed('hub_unreachable', 1)]).nextAttemptMs).toBe(5_000);
  });

  it('begins with short pauses again once bytes came', () => {
    const lost = failed('hub_unreachable');
    const state = afterAttempts([lost, lost]);
    const moved = [{ type: 'attempted' }, { type: 'moved' }, lost] as const;
    expect(moved.reduce<ModelState>((now, event) => nextState(now, event, 0), state).nextAttemptMs).toBe(
      5_000,
    );
  });

  it('lets a fatal failure wait for a person', () => {
    const state = afterAttempts([failed('model_gated')]);
    expect(state).toMatchObject({ status: 'failed', nextAttemptMs: null });
    expect(isDue(state, Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(nextState(state, { type: 'retry' }, 7)).toMatchObject({ nextAttemptMs: 7, attempts: 0 });
  });

  it('looks at a full disk again every 10 s while it stays failed', () => {
    expect(afterAttempts([failed('disk_full')])).toMatchObject({ status: 'failed', nextAttemptMs: 10_000 });
  });

  it('knows which failures a new token may cure', () => {
    expect(dependsOnToken(stateAfter([failed('model_gated')]))).toBe(true);
    expect(dependsOnToken(stateAfter([failed('disk_full')]))).toBe(false);
    expect(dependsOnToken(stateAfter([{ type: 'completed' }]))).toBe(false);
  });

  it('forgets nothing that is asked for during an attempt: the next one is due when that has ended', () => {
    const asked = [{ type: 'attempted' }, { type: 'retry' }] as const;
    for (const end of [
      failed('model_gated'),
      failed('hub_unreachable', 60),
      { type: 'completed' } as const,
    ]) {
      const state = stateAfter([...asked, end], 50);
      expect(isDue(state, 50), end.type).toBe(true);
      expect(isDue(nextState(state, { type: 'attempted' }, 50), 50)).toBe(false);
    }
    expect(isDue(stateAfter([...asked, { type: 'started' }, failed('disk_full')], 50), 50)).toBe(true);
  });

  it('tries again at once what failed for want of a token that was replaced meanwhile, and nothing else', () => {
    const replaced = [{ type: 'attempted' }, { type: 'token' }] as const;
    expect(isDue(stateAfter([...replaced, failed('model_gated')]), 0)).toBe(true);
    expect(isDue(stateAfter([...replaced, failed('disk_full')]), 0)).toBe(false);
    const once = stateAfter([
      ...replaced,
      failed('model_gated'),
      { type: 'attempted' },
      failed('model_gated'),
    ]);
    expect(once.nextAttemptMs).toBeNull();
    expect(isDue(nextState(once, { type: 'token' }, 7), 7)).toBe(true);
    expect(isDue(nextState(afterAttempts([{ type: 'completed' }]), { type: 'token' }, 7), 7)).toBe(false);
  });

  it('is never stuck: it is due, works, waits for a time, is complete, or has a fatal problem', () => {
    const event = fc.constantFrom<ModelEvent>(
      { type: 'missing' },
      { type: 'moved' },
      { type: 'retry' },
      { type: 'token' },
      failed('hub_unreachable'),
      failed('disk_full'),
      failed('model_gated'),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const state = stateAfter(events);
        const waitsForPerson = state.status === 'failed' && state.finding?.code === 'model_gated';
        expect(state.nextAttemptMs !== null || waitsForPerson).toBe(true);
      }),
    );
  });
});
