import { expect, test } from 'vitest';
import { engineError } from '../../support/scripted-engine.ts';
import { readyStage } from './support.ts';

const stops = (calls: { name: string }[]) => calls.filter((call) => call.name === 'stopContainer').length;

test('a restart that the engine refused is not made up for later', async () => {
  const stage = await readyStage();
  stage.engine.treat = (call) =>
    call.name === 'stopContainer'
      ? { kind: 'fail', afterMs: 1, error: engineError('refused') }
      : { kind: 'answer', afterMs: 1 };
  const restart = stage.supervisor.restart('api');
  const refused = expect(restart).rejects.toMatchObject({ code: 'engine_call_failed' });
  await stage.clock.advance(500);
  await refused;
  stage.engine.treat = () => ({ kind: 'answer', afterMs: 1 });
  await stage.clock.advance(60_000);
  expect(stops(stage.engine.calls)).toBe(1);
});

test('a restart that was asked for while the engine was away is not made up for when it is back', async () => {
  const stage = await readyStage();
  stage.engine.goDown({ keepContainers: true });
  await stage.clock.advance(10_000);
  const refused = expect(stage.supervisor.restart('api')).rejects.toMatchObject({
    code: 'docker_unreachable',
  });
  await stage.clock.advance(1_000);
  await refused;
  stage.engine.comeUp();
  await stage.clock.advance(60_000);
  expect(stops(stage.engine.calls)).toBe(0);
  expect(stage.supervisor.snapshot().services['api']?.ready).toBe(true);
});
