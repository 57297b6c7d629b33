import { expect, test } from 'vitest';
import { createContainers } from '../../../src/services/containers.ts';
import { createScriptedEngine } from '../../support/scripted-engine.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

function sample(state: 'running' | 'exited') {
  const engine = createScriptedEngine(createVirtualClock());
  const id = engine.foreignCreate({ name: 'a', state });
  const facts = engine.containers.get(id)?.facts;
  if (facts === undefined) throw new Error('the container is not there');
  return facts;
}

test('an answer that was on its way during a change does not overwrite the change', () => {
  const containers = createContainers();
  const running = sample('running');
  containers.takeList([running], containers.mark());
  const asked = containers.mark();
  containers.change(running.id, { state: 'exited' });
  expect(containers.takeList([running], asked)).toBe(false);
  expect(containers.takeOne(running.id, running, asked)).toBe(false);
  expect(containers.get(running.id)?.state).toBe('exited');
});

test('a removed container is not brought back by an old answer', () => {
  const containers = createContainers();
  const exited = sample('exited');
  containers.takeList([exited], containers.mark());
  const asked = containers.mark();
  containers.remove(exited.id);
  containers.takeList([exited], asked);
  expect(containers.all()).toEqual([]);
});

test('a container made while a list was on its way stays', () => {
  const containers = createContainers();
  const asked = containers.mark();
  const made = sample('running');
  containers.add(made);
  expect(containers.takeList([], asked)).toBe(false);
  expect(containers.get(made.id)).toBeDefined();
});

test('a change waits for the engine to confirm it', () => {
  const containers = createContainers();
  const running = sample('running');
  containers.takeList([running], containers.mark());
  expect(containers.isSampled(running.id)).toBe(true);
  containers.change(running.id, { health: 'healthy' });
  expect(containers.isSampled(running.id)).toBe(false);
  containers.takeOne(running.id, running, containers.mark());
  expect(containers.isSampled(running.id)).toBe(true);
});
