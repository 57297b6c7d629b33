import { expect, test } from 'vitest';
import { setStage } from './support.ts';

/** An engine under load tells of things later than it answers questions about them. */
const LATE_MS = 60;

test('what an engine tells late about a run that is on record already does not take the wait before the next one away', async () => {
  const stage = setStage();
  await stage.clock.advance(10_000);
  const { engine, clock } = stage;
  engine.eventDelayMs = LATE_MS;
  let quick = 1;
  engine.witness = {
    started: ({ facts }) => {
      if (facts.name !== 'ai-sandbox-api' || quick-- <= 0) return;
      void clock.sleep(0).then(() => engine.exit(facts.id, 1));
    },
  };
  engine.calls.length = 0;
  engine.exit(engine.byName('ai-sandbox-api')?.facts.id ?? '', 1);
  await clock.advance(15_000);
  const starts = engine.calls.filter((call) => call.name === 'startContainer').map((call) => call.at);
  expect(starts.length).toBe(2);
  expect((starts[1] ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(10_000);
  expect(stage.supervisor.snapshot().services['api']?.restarts).toBe(2);
});
