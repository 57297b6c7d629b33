import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import { project, readyStage, type Stage, service, view } from './support.ts';

/** The same file with another `name:`. */
function rename(stage: Stage, services: ServiceSpec[]): void {
  stage.supervisor.setDesired({ project: { ...project(services), name: 'renamed' }, overrides: {} });
}
const labelsOf = (stage: Stage) =>
  [...stage.engine.containers.values()].map(
    ({ facts }) => `${facts.name} of ${facts.labels['com.docker.compose.project']}`,
  );

describe('another name of the project', () => {
  test('makes the containers of the file anew, one after the other as for any change', async () => {
    const stage = await readyStage();
    rename(stage, [service('api'), service('ui')]);
    await stage.clock.advance(10_000);
    expect(labelsOf(stage)).toEqual(['ai-sandbox-api of renamed', 'ai-sandbox-ui of renamed']);
    for (const name of ['api', 'ui']) {
      expect(view(stage, name)).toMatchObject({ service_status: 'running', restarts: 0, problem: null });
    }
    expect(stage.log.join('\n')).toContain('the project of the compose file is called renamed now');
  });

  test('and other names of the containers leave nothing behind', async () => {
    const stage = await readyStage({ services: [service('api'), service('ui'), service('extra')] });
    rename(stage, [
      service('api', { containerName: 'renamed-api-1' }),
      service('ui', { containerName: 'renamed-ui-1' }),
    ]);
    await stage.clock.advance(60_000);
    expect(labelsOf(stage)).toEqual(['renamed-api-1 of renamed', 'renamed-ui-1 of renamed']);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('is seen by a daemon that starts after the change too', async () => {
    const stage = await readyStage();
    await stage.crash();
    stage.boot();
    rename(stage, [
      service('api', { containerName: 'renamed-api-1' }),
      service('ui', { containerName: 'renamed-ui-1' }),
    ]);
    await stage.clock.advance(60_000);
    expect(labelsOf(stage)).toEqual(['renamed-api-1 of renamed', 'renamed-ui-1 of renamed']);
  });
});
