import { expect, test } from 'vitest';
import { engineError } from '../../support/scripted-engine.ts';
import { readyStage, type Stage, view } from './support.ts';

/** Lets no log be read, as with the log driver `none`. */
function hideLogs(stage: Stage): void {
  const code = 'log_driver_unreadable';
  // biome-ignore lint/correctness/useYield: it fails before the first line
  stage.engine.logs = async function* () {
    throw engineError('refused', { code, detail: 'configured logging driver does not support reading' });
  };
}

test('logs that cannot be read are told of by the next daemon too', async () => {
  const stage = await readyStage();
  hideLogs(stage);
  await stage.crash();
  stage.boot();
  await stage.clock.advance(10_000);
  expect(view(stage)).toMatchObject({
    service_status: 'running',
    problem: { code: 'log_driver_unreadable' },
  });
  expect(stage.changes()).toEqual([]);
});

test('readable logs of an adopted container are no problem', async () => {
  const stage = await readyStage();
  await stage.crash();
  stage.boot();
  await stage.clock.advance(10_000);
  expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
});
