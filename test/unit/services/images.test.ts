import { describe, expect, test } from 'vitest';
import { engineError } from '../../support/scripted-engine.ts';
import { type Stage, service, setStage, view } from './support.ts';

const countOf = (stage: Stage, name: string) =>
  stage.changes().filter((line) => line.startsWith(name)).length;

/** Refuses every pull. */
function refusePulls(stage: Stage, code: 'registry_unreachable' | 'image_not_found'): void {
  stage.engine.treat = (call) =>
    call.name === 'pullImage'
      ? { kind: 'fail', afterMs: 1, error: engineError('refused', { code, detail: `words about ${code}` }) }
      : { kind: 'answer', afterMs: 1 };
}

describe('an image that somebody else brings', () => {
  test('is noticed before the next pull', async () => {
    const stage = setStage({ images: ['image-ui'] });
    refusePulls(stage, 'registry_unreachable');
    await stage.clock.advance(4_000);
    expect(view(stage).problem?.code).toBe('registry_unreachable');
    stage.engine.images.add('image-api');
    await stage.clock.advance(5_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
    expect(countOf(stage, 'pullImage')).toBe(1);
  });

  test('is noticed within 30 s where the next pull is far away', async () => {
    const stage = setStage({ images: ['image-ui'] });
    refusePulls(stage, 'image_not_found');
    await stage.clock.advance(10_000);
    stage.engine.images.add('image-api');
    await stage.clock.advance(32_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('is looked for at once when a user asks for a start', async () => {
    const stage = setStage({ images: ['image-ui'] });
    refusePulls(stage, 'image_not_found');
    await stage.clock.advance(10_000);
    stage.engine.images.add('image-api');
    const started = stage.supervisor.start('api');
    await stage.clock.advance(100);
    await started;
    expect(stage.engine.byName('ai-sandbox-api')?.facts.state).toBe('running');
    expect(countOf(stage, 'pullImage')).toBe(1);
  });

  test('is looked for where the file forbids to pull it, at once when a user asks', async () => {
    const services = [service('api', { pullPolicy: 'never' }), service('ui', { pullPolicy: 'never' })];
    const stage = setStage({ services, images: [] });
    await stage.clock.advance(10_000);
    expect(view(stage)).toMatchObject({ service_status: 'failed', problem: { code: 'image_not_found' } });
    stage.engine.images.add('image-api');
    void stage.supervisor.start('api').catch(() => undefined);
    await stage.clock.advance(4_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
    stage.engine.images.add('image-ui');
    await stage.clock.advance(36_000);
    expect(view(stage, 'ui')).toMatchObject({ service_status: 'running', problem: null });
    expect(countOf(stage, 'pullImage')).toBe(0);
  });

  test('costs a question every 30 s, not more', async () => {
    const services = [service('api', { pullPolicy: 'never' })];
    const stage = setStage({ services, images: [] });
    await stage.clock.advance(300_000);
    const asked = stage.engine.calls.filter((call) => call.name === 'imageId').length;
    expect(asked).toBeGreaterThanOrEqual(8);
    expect(asked).toBeLessThanOrEqual(11);
  });
});
