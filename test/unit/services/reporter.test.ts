import { expect, test } from 'vitest';
import { PROBLEM_TABLE } from '../../../src/status/problem-table.ts';
import { idOf, readyStage, setStage, view } from './support.ts';

test('what a person is told to do names the service: no placeholder is left in it', async () => {
  const silent = setStage({ readyAfterMs: Number.POSITIVE_INFINITY, settings: { silenceLimitMs: 60_000 } });
  await silent.clock.advance(65_000);
  expect(view(silent).problem).toMatchObject({
    code: 'start_stalled',
    remedy: PROBLEM_TABLE.start_stalled.remedy.replace('SERVICE', 'api'),
  });
  expect(view(silent, 'ui').problem?.remedy).toMatch(/ai-sandbox logs ui\.$/);
});

test('so does the remedy of a loop, of which the cause is known', async () => {
  const stage = await readyStage({
    parts: {
      diagnose: () => ({
        code: 'process_crashed',
        signature: null,
        class: null,
        detail: 'SIGSEGV',
        remedy: null,
        line: null,
        values: {},
      }),
    },
  });
  for (let count = 0; count < 5; count += 1) {
    stage.engine.exit(idOf(stage), 139);
    await stage.clock.advance(200_000);
  }
  expect(view(stage).problem?.code).toBe('restart_loop');
  expect(view(stage).problem?.remedy).toMatch(/Then: ai-sandbox restart api\.$/);
});
