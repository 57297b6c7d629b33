import { describe, expect, test } from 'vitest';
import {
  afterProbe,
  COMPUTING_LIMIT_MS,
  isProbeLine,
  newRunWatch,
  verdictOf,
} from '../../../src/services/run-watch.ts';
import type { ProbeResult } from '../../../src/services/types.ts';

const READY: ProbeResult = { ready: true, alive: true, detail: '', finding: null };
const MISSED: ProbeResult = { ready: false, alive: false, detail: 'refused', finding: null };
const SILENCE_MS = 600_000;

describe('the watch of a run', () => {
  test('finds a hang within 75 s even when every probe eats its whole deadline', () => {
    let watch = afterProbe(newRunWatch('c', false, 0), READY, 0, 10);
    let now = 10;
    while (verdictOf(watch, SILENCE_MS, now) === null) {
      const askedAt = watch.nextProbeAt;
      now = askedAt + 12_000;
      watch = afterProbe(watch, MISSED, askedAt, now);
    }
    expect(verdictOf(watch, SILENCE_MS, now)?.reason).toBe('hang');
    expect(now).toBeLessThanOrEqual(75_000);
  });

  test('asks a starting service every 2 s and never takes its refusals for misses', () => {
    let watch = newRunWatch('c', false, 0);
    for (let at = 0; at < 100_000; at += 2_000) watch = afterProbe(watch, MISSED, at, at + 1);
    expect(watch).toMatchObject({ misses: 0, nextProbeAt: 100_000 });
    expect(verdictOf(watch, SILENCE_MS, 100_000)).toBeNull();
  });

  test('a definite answer of a living server is no miss', () => {
    const ready = afterProbe(newRunWatch('c', false, 0), READY, 0, 1);
    const answer: ProbeResult = { ...MISSED, alive: true };
    const missed = afterProbe(afterProbe(ready, MISSED, 30_000, 30_001), answer, 40_000, 40_001);
    expect(missed).toMatchObject({ ready: false, misses: 0 });
  });

  test('a busy engine stays as ready as it was, and its misses are forgotten', () => {
    const busy: ProbeResult = { ...MISSED, alive: true, busy: true };
    const ready = afterProbe(newRunWatch('c', false, 0), READY, 0, 1);
    expect(afterProbe(ready, busy, 30_000, 40_000)).toMatchObject({
      ready: true,
      readySince: 1,
      misses: 0,
      nextProbeAt: 40_000,
    });
    const missed = afterProbe(ready, MISSED, 30_000, 40_000);
    expect(afterProbe(missed, busy, 40_000, 50_000)).toMatchObject({ ready: false, misses: 0 });
  });

  test('an engine of which only the processor moves is left alone for minutes, but not for ever', () => {
    const computing: ProbeResult = { ...MISSED, alive: true, busy: true, computing: true };
    let watch = afterProbe(newRunWatch('c', false, 0), READY, 0, 1);
    let now = 30_000;
    const probe = (result: ProbeResult) => {
      watch = afterProbe(watch, result, now, now + 9_000);
      now = watch.nextProbeAt;
      return verdictOf(watch, SILENCE_MS, now);
    };
    while (now < 300_000) expect(probe(computing)).toBeNull();
    expect(watch).toMatchObject({ ready: true, misses: 0 });
    expect(probe({ ...computing, computing: false })).toBeNull();
    const circlesFrom = now;
    while (probe(computing) === null) expect(now - circlesFrom).toBeLessThan(COMPUTING_LIMIT_MS + 60_000);
    expect(now - circlesFrom).toBeGreaterThan(COMPUTING_LIMIT_MS);
  });

  test('an adopted run that was ready before counts misses from the first', () => {
    let watch = newRunWatch('c', true, 0);
    for (const at of [0, 10_000, 20_000]) watch = afterProbe(watch, MISSED, at, at + 10_000);
    expect(verdictOf(watch, SILENCE_MS, 30_000)?.reason).toBe('hang');
  });

  test('silence while starting is judged by the limit, counted from the last movement', () => {
    const watch = { ...newRunWatch('c', false, 0), movedAt: 50_000 };
    expect(verdictOf(watch, SILENCE_MS, 649_999)).toBeNull();
    expect(verdictOf(watch, SILENCE_MS, 650_000)?.reason).toBe('stalled');
  });

  test('silence says nothing where the log cannot be read', () => {
    const watch = {
      ...newRunWatch('c', false, 0),
      logsUnreadable: { code: 'log_driver_unreadable' as const, detail: 'none' },
    };
    expect(verdictOf(watch, SILENCE_MS, 10_000_000)).toBeNull();
  });

  test('silence says nothing of a container that cannot be dialled: it is named, and left alone', () => {
    const undialable: ProbeResult = {
      ...MISSED,
      finding: { code: 'container_unreachable', detail: 'no address' },
    };
    const starting = afterProbe(newRunWatch('c', false, 0), undialable, 0, 1);
    expect(verdictOf(starting, SILENCE_MS, 10 * SILENCE_MS)).toBeNull();
    expect(verdictOf(afterProbe(starting, MISSED, 2, 3), SILENCE_MS, SILENCE_MS)?.reason).toBe('stalled');
  });

  test('access lines of probes are told from lines of a start', () => {
    expect(isProbeLine('INFO:     172.18.0.1:54312 - "GET /health HTTP/1.1" 200 OK')).toBe(true);
    expect(isProbeLine('INFO:     172.18.0.1:54312 - "POST /v1/chat/completions HTTP/1.1" 400')).toBe(true);
    expect(isProbeLine('Loading safetensors checkpoint shards:  50% Completed | 1/2')).toBe(false);
    expect(isProbeLine('"GET /healthy-things HTTP/1.1" 200')).toBe(false);
  });
});
