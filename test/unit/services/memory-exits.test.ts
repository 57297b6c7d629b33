import { describe, expect, test } from 'vitest';
import { idOf, readyStage, type Stage, view } from './support.ts';

const tellOom = (stage: Stage) =>
  stage.engine.emit({
    type: 'container',
    action: 'oom',
    containerId: idOf(stage),
    attributes: {},
    atMs: null,
  });

/** A container that waits for its restart: the first exit is answered at once, the second after 10 s. */
async function waitingStage(): Promise<Stage> {
  const stage = await readyStage();
  stage.engine.exit(idOf(stage), 1);
  await stage.clock.advance(5_000);
  stage.engine.exit(idOf(stage), 1);
  return stage;
}

describe('the word of memory that ran out', () => {
  test('explains the exit that follows it', async () => {
    const stage = await readyStage();
    tellOom(stage);
    await stage.clock.advance(20_000);
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(100);
    expect(view(stage).last_exit).toMatchObject({ oom_killed: true });
  });

  test('explains none an hour later: the service survived it', async () => {
    const stage = await readyStage();
    tellOom(stage);
    await stage.clock.advance(3_600_000);
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(100);
    expect(view(stage).last_exit).toMatchObject({
      oom_killed: false,
      cause: 'exited with code 1, not asked for',
    });
  });

  test('that comes late is not about the run that was started since', async () => {
    const stage = await waitingStage();
    await stage.clock.advance(5_000);
    tellOom(stage);
    await stage.clock.advance(10_000);
    expect(stage.engine.byName('ai-sandbox-api')?.facts.state).toBe('running');
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(100);
    expect(view(stage)).toMatchObject({ restarts: 3, last_exit: { oom_killed: false } });
  });

  test('that only the engine has, and no event, is taken over from it', async () => {
    const stage = await waitingStage();
    const container = stage.engine.byName('ai-sandbox-api');
    if (container !== undefined) container.facts = { ...container.facts, oomKilled: true };
    await stage.clock.advance(2_000);
    expect(view(stage)).toMatchObject({
      problem: { code: 'out_of_memory' },
      last_exit: { oom_killed: true, cause: 'was killed because the memory ran out (exit code 1)' },
    });
  });
});
