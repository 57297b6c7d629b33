import { describe, expect, test } from 'vitest';
import { engineError } from '../../support/scripted-engine.ts';
import { project, readyStage, service, view } from './support.ts';

describe('pull_policy: always with a changed file', () => {
  test('the old container serves until the new image is there', async () => {
    const services = [service('api', { pullPolicy: 'always' }), service('ui')];
    const stage = await readyStage({ services });
    stage.engine.treat = (call) => ({ kind: 'answer', afterMs: call.name === 'pullImage' ? 60_000 : 1 });
    const changed = service('api', { pullPolicy: 'always', command: ['new'] });
    stage.supervisor.setDesired({ project: project([changed, service('ui')]), overrides: {} });
    await stage.clock.advance(50_000);
    expect(stage.changes()).toEqual(['pullImage image-api']);
    expect(view(stage)).toMatchObject({ service_status: 'running', ready: true });
    await stage.clock.advance(20_000);
    expect(stage.changes()).toEqual([
      'pullImage image-api',
      'stopContainer ai-sandbox-api',
      'removeContainer ai-sandbox-api',
      'createContainer ai-sandbox-api',
      'startContainer ai-sandbox-api',
    ]);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('a registry that is away does not keep the change from the image that is there', async () => {
    const services = [service('api', { pullPolicy: 'always' })];
    const stage = await readyStage({ services });
    const error = engineError('refused', { code: 'registry_unreachable' });
    stage.engine.treat = (call) =>
      call.name === 'pullImage' ? { kind: 'fail', afterMs: 1, error } : { kind: 'answer', afterMs: 1 };
    const changed = service('api', { pullPolicy: 'always', command: ['new'] });
    stage.supervisor.setDesired({ project: project([changed]), overrides: {} });
    await stage.clock.advance(10_000);
    const made = stage.changes().filter((line) => /^(pullImage|createContainer)/.test(line));
    expect(made).toEqual(['pullImage image-api', 'createContainer ai-sandbox-api']);
    expect(view(stage).service_status).toBe('running');
  });
});
