import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LookIntoDatabase } from '../../../src/chat/database.ts';
import type { DatabaseAnswer, LookMode } from '../../../src/chat/database-answer.ts';
import { type ChatKeeper, createChatKeeper } from '../../../src/chat/keeper.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { SOON_MS } from '../../support/soon.ts';

let directory: string;
let keeper: ChatKeeper;
let stop: AbortController;
let done: Promise<void>;
let answer: DatabaseAnswer;
let looks: LookMode[];
/** Happens once, in the middle of the next look. */
let duringLook: () => void;
let nightly: { expression: string; job: () => void; stopped: boolean };
/** Ends the sleep that the keeper is in, as if its time had passed. */
let minutePasses: () => void;
/** Resolves when the keeper sleeps. */
let resting: () => Promise<void>;

const FINE: DatabaseAnswer = { kind: 'fine', sessionCount: 1, lastMessageAt: null };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keeper-'));
  await writeFile(join(directory, 'webui.db'), 'one');
  answer = FINE;
  looks = [];
  duringLook = () => undefined;
  stop = new AbortController();
  let asleep: PromiseWithResolvers<void> = Promise.withResolvers();
  let wakeUp: PromiseWithResolvers<void> = Promise.withResolvers();
  const clock: Clock = {
    ...systemClock,
    sleep: async (_ms, signal) => {
      if (signal?.aborted) return;
      wakeUp = Promise.withResolvers();
      signal?.addEventListener('abort', () => wakeUp.resolve(), { once: true });
      asleep.resolve();
      await wakeUp.promise;
      asleep = Promise.withResolvers();
    },
  };
  minutePasses = () => {
    asleep = Promise.withResolvers();
    wakeUp.resolve();
  };
  resting = () => asleep.promise;
  const look: LookIntoDatabase = async (_path, mode) => {
    looks.push(mode);
    duringLook();
    duringLook = () => undefined;
    return answer;
  };
  keeper = createChatKeeper({
    clock,
    log: silentLog,
    cron: (expression, job) => {
      nightly = { expression, job, stopped: false };
      return {
        stop: () => {
          nightly.stopped = true;
        },
      };
    },
    look,
  });
  done = keeper.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await done;
  await rm(directory, { recursive: true, force: true });
});

const mount = () => ({ mounted: true, path: directory, writable: true });
const write = (text: string) => writeFile(join(directory, 'webui.db'), text);
async function settle(action: () => void): Promise<void> {
  await resting();
  action();
  // A request ends the sleep in a later turn; only the sleep after it counts.
  await new Promise((resolve) => setImmediate(resolve));
  await resting();
}
const minute = () => minutePasses();
const mounted = () => settle(() => keeper.setMount(mount()));

describe('the keeper of the chats', () => {
  test('knows nothing before it is told what is mounted', async () => {
    await resting();
    expect([keeper.checked(), keeper.snapshot().persistence_state, looks]).toEqual([false, null, []]);
  });

  test('checks the database at the first mount', async () => {
    await mounted();
    expect(looks).toEqual(['check']);
    expect([keeper.checked(), keeper.snapshot()]).toEqual([
      true,
      {
        persistence_state: 'persisted',
        path: directory,
        size_bytes: 3,
        session_count: 1,
        last_message_at: null,
        problem: null,
      },
    ]);
  });

  test('has nothing to look at without a mount', async () => {
    await settle(() => keeper.setMount({ mounted: false, path: null, writable: false }));
    expect([keeper.checked(), keeper.snapshot().persistence_state, looks]).toEqual([true, 'volatile', []]);
    expect(keeper.snapshot().problem?.code).toBe('chat_not_mounted');
  });

  test('counts every minute, but only what was written to', async () => {
    await mounted();
    await settle(minutePasses);
    expect(looks).toEqual(['check']);
    await write('more');
    await settle(minutePasses);
    expect(looks).toEqual(['check', 'count']);
  });

  test.each<[string, () => void]>([
    ['after an unclean exit', () => keeper.checkSoon()],
    ['every night', () => nightly.job()],
  ])('checks again %s', async (_when, ask) => {
    await mounted();
    await settle(ask);
    expect(looks).toEqual(['check', 'check']);
  });

  test.each<[LookMode, () => void]>([
    ['check', () => keeper.checkSoon()],
    ['count', minute],
  ])('checks again for a request that comes during a %s without a result', async (mode, begin) => {
    await mounted();
    await write('news');
    answer = { kind: 'inconclusive', detail: 'busy' };
    duringLook = () => keeper.checkSoon();
    await settle(begin);
    expect(looks.slice(0, 3)).toEqual(['check', mode, 'check']);
  });

  test('does not check again when it is told the same mount again', async () => {
    await mounted();
    keeper.setMount(mount());
    await settle(minutePasses);
    expect(looks).toEqual(['check']);
  });

  test('keeps the last answer while the database is busy', async () => {
    await mounted();
    answer = { kind: 'inconclusive', detail: 'database is locked' };
    await settle(() => keeper.checkSoon());
    expect(keeper.snapshot()).toMatchObject({
      persistence_state: 'persisted',
      session_count: 1,
      problem: null,
    });
  });

  test('tries a check without a result again, but not for ever', async () => {
    answer = { kind: 'inconclusive', detail: 'database is locked' };
    await mounted();
    for (let minute = 0; minute < 8; minute += 1) await settle(minutePasses);
    expect(looks.filter((mode) => mode === 'check')).toHaveLength(5);
    expect([keeper.checked(), keeper.snapshot().persistence_state]).toEqual([true, null]);
  });

  test('takes damage back only after a whole check of a changed file', async () => {
    answer = { kind: 'damaged', detail: 'Tree 4' };
    await mounted();
    expect(keeper.snapshot()).toMatchObject({
      persistence_state: 'corrupted',
      problem: { code: 'chat_database_corrupt' },
    });
    answer = FINE;
    await settle(minutePasses);
    expect(keeper.snapshot().persistence_state).toBe('corrupted');
    await write('restored');
    await settle(minutePasses);
    expect([looks, keeper.snapshot().persistence_state]).toEqual([['check', 'check'], 'persisted']);
  });

  test('forgets what it knew when another directory is mounted', async () => {
    await mounted();
    answer = { kind: 'inconclusive', detail: 'busy' };
    await settle(() => keeper.setMount({ ...mount(), path: join(directory, 'other') }));
    expect(keeper.snapshot()).toMatchObject({ session_count: null, path: join(directory, 'other') });
  });

  test('tells its listeners of changes, and of nothing else', async () => {
    let calls = 0;
    const end = keeper.onChange(() => {
      calls += 1;
    });
    await mounted();
    const before = calls;
    expect(before).toBeGreaterThan(0);
    await settle(minutePasses);
    expect(calls).toBe(before);
    end();
    await write('more words');
    await settle(minutePasses);
    expect(calls).toBe(before);
  });

  test('ends its nightly job with itself', async () => {
    await resting();
    expect([nightly.expression, nightly.stopped]).toEqual(['30 3 * * *', false]);
    stop.abort();
    await done;
    expect(nightly.stopped).toBe(true);
  });

  test('a page that became ready without a database here is told of, only after a look that began then', async () => {
    answer = { kind: 'missing' };
    await mounted();
    expect(keeper.snapshot()).toMatchObject({ persistence_state: 'persisted', problem: null });
    const states: (string | null)[] = [];
    keeper.onChange(() => states.push(keeper.snapshot().problem?.code ?? null));
    duringLook = () => expect(states).not.toContain('chat_database_elsewhere');
    keeper.setPageReady(true);
    await expect.poll(() => states.at(-1), { timeout: SOON_MS }).toBe('chat_database_elsewhere');
    expect(keeper.snapshot()).toMatchObject({ persistence_state: null, session_count: null });
    expect(looks).toEqual(['check', 'check']);
  });
});
