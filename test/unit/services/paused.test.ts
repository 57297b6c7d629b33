import { expect, test } from 'vitest';
import { idOf, readyStage, type Stage, view } from './support.ts';

/** `docker pause` and `docker unpause` by somebody else: a paused process answers nothing. */
function setPaused(stage: Stage, paused: boolean): void {
  const container = stage.engine.byName('ai-sandbox-api');
  if (container === undefined) throw new Error('there is no container');
  container.facts = { ...container.facts, state: paused ? 'paused' : 'running' };
  const action = paused ? 'pause' : 'unpause';
  stage.engine.emit({
    type: 'container',
    action,
    containerId: container.facts.id,
    attributes: {},
    atMs: null,
  });
}

test('a paused container is left as it is, and said to be paused, with the command that ends it', async () => {
  const stage = await readyStage();
  const before = idOf(stage);
  setPaused(stage, true);
  await stage.clock.advance(600_000);
  expect(stage.changes()).toEqual([]);
  expect(view(stage)).toMatchObject({
    ready: false,
    restarts: 0,
    problem: {
      code: 'not_responding',
      detail: 'the container ai-sandbox-api is paused (docker pause), so that it answers nothing',
      remedy: 'Run: docker unpause ai-sandbox-api.',
    },
  });
  setPaused(stage, false);
  await stage.clock.advance(2_000);
  expect(idOf(stage)).toBe(before);
  expect(view(stage)).toMatchObject({ service_status: 'running', ready: true, restarts: 0, problem: null });
});

test('a pause during the start does not count as silence', async () => {
  const stage = await readyStage({ readyAfterMs: 900_000, settings: { silenceLimitMs: 60_000 } });
  setPaused(stage, true);
  await stage.clock.advance(120_000);
  setPaused(stage, false);
  await stage.clock.advance(40_000);
  expect(stage.changes().filter((line) => line.endsWith('api'))).toEqual([]);
});

test('a paused container is stopped when a user asks for it', async () => {
  const stage = await readyStage();
  setPaused(stage, true);
  await stage.clock.advance(2_000);
  void stage.supervisor.stop('api').catch(() => undefined);
  await stage.clock.advance(2_000);
  expect(stage.changes()[0]).toBe('stopContainer ai-sandbox-api');
  expect(view(stage).problem).toBeNull();
});
