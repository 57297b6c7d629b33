import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { assembleStatus, type StatusFacts } from '../../../src/status/assemble.ts';
import { createPublisher, type Sink } from '../../../src/status/publisher.ts';
import { readyFacts, readyService, servicesOf, stoppedService } from '../../support/status-facts.ts';

let facts: StatusFacts;
const assemble = () => assembleStatus({ ...facts, now: systemClock.now() });

function setup(...sinks: Sink[]) {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => warnings.push(message) };
  return { publisher: createPublisher({ assemble, sinks, clock: systemClock, log }), warnings };
}

/** Facts of a download that has fetched `done` bytes. */
function downloadingFacts(done: number): StatusFacts {
  const { model } = readyFacts();
  return readyFacts({
    services: servicesOf({ api: stoppedService({ waiting_for: 'model' }) }),
    model: {
      ...model,
      complete: false,
      downloadStatus: 'downloading',
      download: { ...model.download, bytes_done: done },
    },
  });
}

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-04T05:06:07Z') });
  facts = readyFacts({ services: servicesOf({ api: stoppedService() }) });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('createPublisher', () => {
  it('shows a change to the sinks before current() shows it', async () => {
    const seen: boolean[][] = [];
    const { publisher } = setup(async (status) => {
      seen.push([status.model.active_status, publisher.current().model.active_status]);
    });
    await publisher.publish();
    facts = readyFacts({ services: servicesOf({ api: readyService() }) });
    publisher.touch();
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual([
      [false, false],
      [true, false],
    ]);
    expect(publisher.current().model.active_status).toBe(true);
  });

  it('publishes a change of state at once, also right after progress', async () => {
    const changes: string[] = [];
    const { publisher } = setup(async (status, change) => {
      changes.push(`${change} ${status.model.download.bytes_done} ${status.model.download_status}`);
    });
    facts = downloadingFacts(1);
    await publisher.publish();
    facts = downloadingFacts(2);
    publisher.touch();
    await vi.advanceTimersByTimeAsync(500);
    const failed = downloadingFacts(3);
    facts = { ...failed, model: { ...failed.model, downloadStatus: 'failed' } };
    publisher.touch();
    await vi.advanceTimersByTimeAsync(0);
    expect(changes).toEqual(['state 1 downloading', 'state 3 failed']);
  });

  it('publishes pure progress at most once a second, and the last amount in the end', async () => {
    const amounts: (number | null)[] = [];
    const { publisher } = setup(async (status) => {
      amounts.push(status.model.download.bytes_done);
    });
    facts = downloadingFacts(0);
    await publisher.publish();
    for (let done = 1; done <= 25; done += 1) {
      facts = downloadingFacts(done);
      publisher.touch();
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(amounts).toEqual([0, 10, 20, 25]);
  });

  it('tells the sinks nothing when nothing has changed', async () => {
    let calls = 0;
    const { publisher } = setup(async () => {
      calls += 1;
    });
    await publisher.publish();
    publisher.touch();
    await vi.advanceTimersByTimeAsync(5000);
    expect(calls).toBe(1);
  });

  it('goes on without a sink that fails, and says so once', async () => {
    const { publisher, warnings } = setup(async () => {
      throw new Error('read-only file system');
    });
    await publisher.publish();
    facts = readyFacts();
    await publisher.publish();
    expect(publisher.current().model.active_status).toBe(true);
    expect(warnings).toEqual(['status sink 1: read-only file system']);
  });

  it('waits two seconds for a sink that hangs, then shows the change', async () => {
    const { publisher } = setup(() => new Promise<void>(() => undefined));
    facts = readyFacts();
    const publishing = publisher.publish();
    let published = false;
    void publishing.then(() => {
      published = true;
    });
    await vi.advanceTimersByTimeAsync(1999);
    expect(published).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(published).toBe(true);
  });

  it('never runs a sink twice at the same time, and gives one that was late the newest snapshot', async () => {
    const seen: boolean[] = [];
    let release = () => {};
    const { publisher } = setup((status) => {
      seen.push(status.model.active_status);
      return seen.length > 1
        ? Promise.resolve()
        : new Promise((resolve) => {
            release = resolve;
          });
    });
    publisher.touch();
    await vi.advanceTimersByTimeAsync(2000);
    facts = readyFacts();
    publisher.touch();
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual([false]);
    expect(publisher.current().model.active_status).toBe(true);
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual([false, true]);
  });

  it('refreshes time and uptime when they are read', async () => {
    const { publisher } = setup();
    await publisher.publish();
    const before = publisher.current();
    await vi.advanceTimersByTimeAsync(10_000);
    const after = publisher.current();
    expect(after.time).toBe('2026-03-04T05:06:17Z');
    expect(after.uptime_seconds - before.uptime_seconds).toBe(10);
  });

  it('goes on after the status could not be assembled once', async () => {
    let broken = false;
    const publisher = createPublisher({
      assemble: () => {
        if (broken) throw new Error('a room is broken');
        return assemble();
      },
      sinks: [],
      clock: systemClock,
      log: silentLog,
    });
    await publisher.publish();
    broken = true;
    await publisher.publish();
    broken = false;
    facts = readyFacts();
    await publisher.publish();
    expect(publisher.current().model.active_status).toBe(true);
  });

  it('publishes what is pending when it is closed and nothing afterwards', async () => {
    const amounts: (number | null)[] = [];
    const { publisher } = setup(async (status) => {
      amounts.push(status.model.download.bytes_done);
    });
    facts = downloadingFacts(0);
    await publisher.publish();
    facts = downloadingFacts(1);
    publisher.touch();
    await vi.advanceTimersByTimeAsync(10);
    await publisher.close();
    facts = downloadingFacts(2);
    publisher.touch();
    await vi.advanceTimersByTimeAsync(5000);
    expect(amounts).toEqual([0, 1]);
  });
});
