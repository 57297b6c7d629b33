import { expect, test } from 'vitest';
import { COMPOSE_LABELS } from '../../../src/docker/labels.ts';
import { engineError } from '../../support/scripted-engine.ts';
import { idOf, readyStage } from './support.ts';

test('a container that docker compose made while ours was being replaced is adopted, not replaced in its turn', async () => {
  const stage = await readyStage();
  const { engine, clock } = stage;
  const old = idOf(stage);
  const missing = engineError('not_found', { code: 'network_missing' });
  engine.treat = (call) =>
    call.name === 'startContainer' && call.object === old
      ? { kind: 'fail', afterMs: 1, error: missing }
      : { kind: 'answer', afterMs: call.name === 'createContainer' ? 5_000 : 1 };
  engine.exit(old, 1);
  while (engine.containers.has(old)) await clock.advance(1);
  const labels = { [COMPOSE_LABELS.project]: 'ai-sandbox', [COMPOSE_LABELS.service]: 'api' };
  const made = engine.foreignCreate({ name: 'ai-sandbox-api', labels });
  engine.foreignStart(made);
  await clock.advance(30_000);
  expect(idOf(stage)).toBe(made);
  expect(stage.changes().filter((line) => line.startsWith('stopContainer'))).toEqual([]);
  expect(stage.supervisor.snapshot().services['api']?.ready).toBe(true);
});
