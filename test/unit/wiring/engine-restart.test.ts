import { expect, test } from 'vitest';
import type { RunningContainer } from '../../../src/docker/engine.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createEngineRestart, type EngineRestartParts } from '../../../src/wiring/engine-restart.ts';

const running = (name: string, project: string | null): RunningContainer => ({
  id: name,
  name,
  project,
  publishedPorts: [],
});

/** What was restarted when asked for twice in a row, and what the answers were. */
async function asked(parts: Partial<EngineRestartParts>, found: RunningContainer[] = []) {
  const restarted: string[] = [];
  const restart = createEngineRestart({
    engine: { listRunning: () => Promise.resolve(found) },
    log: silentLog,
    socketPath: '/var/run/docker.sock',
    underSystemd: true,
    restartUnit: (unit) => {
      restarted.push(unit);
      return Promise.resolve();
    },
    ...parts,
  });
  restart.setProject({ name: 'ai-sandbox' });
  const answers = [restart.request(), restart.request()];
  await new Promise(setImmediate);
  return { answers, restarted };
}

test('Docker is restarted where nothing but our own containers runs, once at a time', async () => {
  const { answers, restarted } = await asked({}, [running('ai-sandbox-api', 'ai-sandbox')]);
  expect(answers).toEqual([true, true]);
  expect(restarted).toEqual(['docker.service']);
});

test.each([running('mail', 'mailserver'), running('shell', null)])(
  'Docker is not restarted under the container of somebody else ($name)',
  async (other) => {
    expect((await asked({}, [running('ai-sandbox-api', 'ai-sandbox'), other])).restarted).toEqual([]);
  },
);

test.each([
  ['the daemon was started by hand', { underSystemd: false }],
  ['the engine is a private one', { socketPath: '/srv/engine/docker.sock' }],
])('Docker is not ours to restart where %s', async (_, parts) => {
  expect(await asked(parts)).toEqual({ answers: [false, false], restarted: [] });
});

test('an engine that does not say what runs is not restarted', async () => {
  const engine = { listRunning: () => Promise.reject(new Error('no answer')) };
  expect((await asked({ engine })).restarted).toEqual([]);
});
