import { describe, expect, test } from 'vitest';
import { afterProbe, newRunWatch, type RunWatch, verdictOf } from '../../../src/services/run-watch.ts';
import type { Probe, ProbeResult } from '../../../src/services/types.ts';
import { idOf, setStage, view } from './support.ts';

const SILENCE_MS = 600_000;
const WORDS = '/v1/models lists other/model, not org/name';
const REFUSED: ProbeResult = { ready: false, alive: true, detail: WORDS, finding: null };
const MISSED: ProbeResult = { ready: false, alive: false, detail: 'refused', finding: null };
const READY: ProbeResult = { ready: true, alive: true, detail: '', finding: null };

/** Gives answers at the pace of the watch until the time is up. */
function probeUntil(watch: RunWatch, endMs: number, answer: (at: number) => ProbeResult): RunWatch {
  let after = watch;
  while (after.nextProbeAt < endMs) {
    after = afterProbe(after, answer(after.nextProbeAt), after.nextProbeAt, after.nextProbeAt + 1);
  }
  return after;
}

describe('a start that gets only refusals', () => {
  test('is silent as long as they say the same, and is ended at the limit with their words', () => {
    const watch = probeUntil(newRunWatch('c', false, 0), SILENCE_MS + 2_000, () => REFUSED);
    expect(verdictOf(watch, SILENCE_MS, SILENCE_MS - 1_000)).toBeNull();
    const verdict = verdictOf(watch, SILENCE_MS, SILENCE_MS + 2_000);
    expect(verdict).toMatchObject({ reason: 'stalled', cause: expect.stringContaining(WORDS) });
  });

  test('moves when they say something else', () => {
    const watch = probeUntil(newRunWatch('c', false, 0), 400_000, (at) => ({
      ...REFUSED,
      detail: at < 300_000 ? WORDS : '/ready answered 503: almost',
    }));
    expect(verdictOf(watch, SILENCE_MS, 890_000)).toBeNull();
    expect(verdictOf(watch, SILENCE_MS, 910_000)?.reason).toBe('stalled');
  });

  test('does not move by the id of a request, nor by misses in between', () => {
    let count = 0;
    const watch = probeUntil(newRunWatch('c', false, 0), SILENCE_MS + 2_000, () => {
      count += 1;
      const id = (0xabcdef00 + count).toString(16);
      return count % 3 === 0 ? MISSED : { ...REFUSED, detail: `answered with 400: {"id":"chatcmpl-${id}"}` };
    });
    expect(verdictOf(watch, SILENCE_MS, SILENCE_MS + 2_000)?.reason).toBe('stalled');
  });

  test('has a problem with the words of the service after a minute', () => {
    expect(probeUntil(newRunWatch('c', false, 0), 50_000, () => REFUSED).finding).toBeNull();
    const watch = probeUntil(newRunWatch('c', false, 0), 70_000, () => REFUSED);
    expect(watch.finding).toEqual({ code: 'requests_refused', detail: WORDS });
    expect(afterProbe(watch, READY, 80_000, 80_001)).toMatchObject({ ready: true, finding: null });
  });

  test('is left running where a person has to mend it: another start would change nothing', () => {
    const finding = { code: 'chat_template_missing', detail: 'no template' } as const;
    const watch = probeUntil(newRunWatch('c', false, 0), SILENCE_MS + 60_000, () => ({
      ...REFUSED,
      finding,
    }));
    expect(watch.finding).toEqual(finding);
    expect(verdictOf(watch, SILENCE_MS, SILENCE_MS + 60_000)).toBeNull();
  });
});

describe('a ready service that refuses', () => {
  const ready = afterProbe(newRunWatch('c', false, 0), READY, 0, 1);

  test('once is not ready for a moment, without a problem', () => {
    const once = afterProbe(ready, REFUSED, 30_000, 30_001);
    expect(once).toMatchObject({ ready: false, misses: 0, finding: null });
    expect(afterProbe(once, READY, 40_000, 40_001)).toMatchObject({ ready: true, finding: null });
  });

  test('again says why it is not ready, and is not ended', () => {
    const watch = probeUntil(ready, 2_000_000, () => REFUSED);
    expect(watch).toMatchObject({ ready: false, finding: { code: 'requests_refused', detail: WORDS } });
    expect(verdictOf(watch, SILENCE_MS, 2_000_000)).toBeNull();
  });
});

test('a service that serves another model is named, and started anew at the silence limit', async () => {
  const refuse: Probe = () => Promise.resolve(REFUSED);
  const stage = setStage({ parts: { probes: { api: refuse } }, settings: { silenceLimitMs: 120_000 } });
  await stage.clock.advance(100_000);
  expect(view(stage)).toMatchObject({
    service_status: 'starting',
    ready: false,
    problem: { code: 'requests_refused', detail: WORDS },
  });
  const before = stage.engine.byName('ai-sandbox-api')?.facts.startedAt;
  await stage.clock.advance(30_000);
  expect(stage.changes()).toContain('killContainer ai-sandbox-api');
  expect(stage.engine.containers.get(idOf(stage))?.facts.startedAt).not.toBe(before);
  expect(view(stage).problem).toMatchObject({
    code: 'start_stalled',
    detail: expect.stringContaining(WORDS),
  });
});
