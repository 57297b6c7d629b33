import { expect, test } from 'vitest';
import { idOf, readyStage } from './support.ts';

test('a look that fails each time does not pass for one, and is tried at a calm pace', async () => {
  const stage = await readyStage();
  let looks = 0;
  const defect = () => {
    looks += 1;
    throw new Error('a defect');
  };
  stage.supervisor.setGates(new Proxy({}, { get: defect }));
  stage.engine.exit(idOf(stage), 1);
  await stage.clock.advance(60_000);
  expect(stage.supervisor.lastTickAgeMs()).toBeGreaterThan(30_000);
  expect(looks).toBeLessThan(150);
});

test('an engine that is away is not taken for a loop that stands still', async () => {
  const stage = await readyStage();
  stage.engine.goDown({ keepContainers: true });
  for (let second = 0; second < 120; second++) {
    await stage.clock.advance(1_000);
    expect(stage.supervisor.lastTickAgeMs()).toBeLessThanOrEqual(5_000);
  }
});
