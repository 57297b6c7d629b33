import { describe, expect, it } from 'vitest';
import type { EngineError, EngineEvent } from '../../../src/docker/engine.ts';
import { ConnectionLostError, toEngineError } from '../../../src/docker/errors.ts';
import { watchEvents } from '../../../src/docker/events.ts';
import { DeadlineError } from '../../../src/lib/deadline.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { createManualClock } from '../../support/manual-clock.ts';

type Opening = 'stream' | 'refuse' | 'forbid';

/** A watch over streams that the test writes by hand. `openings` says how the connections go, the last one for ever. */
async function handMadeWatch(openings: Opening[] = ['stream']) {
  const clock = createManualClock();
  const stop = new AbortController();
  const writers: WritableStreamDefaultWriter<Uint8Array>[] = [];
  const log: string[] = [];
  const events: EngineEvent[] = [];
  const openedAt: number[] = [];
  const test = {
    clock,
    stop,
    log,
    events,
    openedAt,
    pings: 0,
    ping: async (): Promise<void> => undefined,
    onEvent: (event: EngineEvent) => void events.push(event),
    ended: false,
    write: async (text: string, connection = writers.length - 1) => {
      void writers[connection]?.write(Buffer.from(text)).catch(() => undefined);
      await clock.advance(0);
    },
    close: async () => {
      void writers
        .at(-1)
        ?.close()
        .catch(() => undefined);
      await clock.advance(0);
    },
    breakOff: async () => {
      void writers
        .at(-1)
        ?.abort(new ConnectionLostError())
        .catch(() => undefined);
      await clock.advance(0);
    },
  };
  void watchEvents(
    {
      clock,
      log: silentLog,
      open: async () => {
        openedAt.push(clock.monotonicMs());
        const opening = openings[Math.min(openedAt.length, openings.length) - 1];
        if (opening !== 'stream') {
          const code = opening === 'forbid' ? 'EACCES' : 'ECONNREFUSED';
          throw Object.assign(new Error(code), { code });
        }
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
        writers.push(writable.getWriter());
        return readable;
      },
      ping: async () => {
        test.pings += 1;
        await test.ping();
      },
      toError: (error) => toEngineError(error, 'read', 'watching', createRedactor()),
    },
    {
      onEvent: (event) => test.onEvent(event),
      onConnect: () => log.push('connected'),
      onDisconnect: (error: EngineError) => log.push(error.finding.code),
    },
    stop.signal,
  ).then(() => {
    test.ended = true;
  });
  await clock.advance(0);
  return test;
}

const die = (id: string) => `${JSON.stringify({ Type: 'container', Action: 'die', Actor: { ID: id } })}\n`;

describe('events of the engine', () => {
  it('are delivered across chunk borders, without those that cannot be read', async () => {
    const test = await handMadeWatch();
    const text = `${die('a')}garbage\n{"Type":"container"}\n${die('b')}`;
    await test.write(text.slice(0, 20));
    await test.write(text.slice(20));
    expect(test.events.map((event) => event.containerId)).toEqual(['a', 'b']);
    expect(test.log).toEqual(['connected']);
  });

  it.each(['close', 'breakOff'] as const)(
    'are followed again after the stream ended with %s',
    async (end) => {
      const test = await handMadeWatch();
      await test.clock.advance(0);
      await test[end]();
      expect(test.log).toEqual(['connected', 'docker_unreachable']);
      await test.clock.advance(250);
      await test.write(die('a'));
      expect(test.log).toEqual(['connected', 'docker_unreachable', 'connected']);
      expect(test.events).toHaveLength(1);
    },
  );

  it('of an old stream are not delivered after its end was told', async () => {
    const test = await handMadeWatch();
    test.ping = async () => {
      throw new DeadlineError('ping', 6000);
    };
    await test.clock.advance(3_000);
    expect(test.log).toEqual(['connected', 'docker_unreachable']);
    test.ping = async () => undefined;
    await test.clock.advance(250);
    await test.write(die('late'), 0);
    expect(test.events).toEqual([]);
    expect(test.log.at(-1)).toBe('connected');
  });

  it('survive a handler that throws', async () => {
    const test = await handMadeWatch();
    test.onEvent = (event) => {
      test.events.push(event);
      throw new Error('oops');
    };
    await test.write(die('a') + die('b'));
    expect(test.events).toHaveLength(2);
    expect(test.log).toEqual(['connected']);
  });
});

describe('the connection for events', () => {
  it('is tried again after 250 ms doubling to 5 s, and the outage told once', async () => {
    const test = await handMadeWatch(['refuse']);
    await test.clock.advance(20_000);
    const pauses = test.openedAt.slice(1).map((at, index) => at - (test.openedAt[index] ?? 0));
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
    expect(test.log).toEqual(['docker_unreachable']);
  });

  it('tells a new cause of the same outage', async () => {
    const test = await handMadeWatch(['refuse', 'forbid', 'forbid', 'stream']);
    await test.clock.advance(2_000);
    expect(test.log).toEqual(['docker_unreachable', 'docker_permission_denied', 'connected']);
  });

  it('pauses 250 ms again after it stood', async () => {
    const test = await handMadeWatch(['refuse', 'refuse', 'refuse', 'stream']);
    await test.clock.advance(2_000);
    await test.breakOff();
    const brokeAt = test.clock.monotonicMs();
    await test.clock.advance(5_000);
    expect((test.openedAt[4] ?? 0) - brokeAt).toBe(250);
  });

  it('is asked for a sign of life every 3 s while it is silent', async () => {
    const test = await handMadeWatch();
    await test.clock.advance(9_000);
    expect(test.pings).toBe(3);
  });

  it('ends when it is told to, without a timer left', async () => {
    for (const openings of [['stream'], ['refuse']] satisfies Opening[][]) {
      const test = await handMadeWatch(openings);
      await test.clock.advance(100);
      test.stop.abort();
      await test.close();
      expect([test.ended, test.clock.untilNext()]).toEqual([true, null]);
    }
  });
});
