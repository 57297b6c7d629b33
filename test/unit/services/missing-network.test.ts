import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import { StatusError, toEngineError } from '../../../src/docker/errors.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { idOf, project, type Stage, service, setStage, view } from './support.ts';

const OURS = 'ai-sandbox-network';

/** Lets a start fail in the engine's own words while a network that `networks` names is not there. */
function needNetworks(stage: Stage, networks: () => string[]): void {
  stage.engine.treat = (call) => {
    const missing = networks().find((name) => !stage.engine.networks.has(name));
    if (call.name !== 'startContainer' || call.container !== 'ai-sandbox-api' || missing === undefined) {
      return { kind: 'answer', afterMs: 1 };
    }
    const words = new StatusError(404, `network ${missing} not found`);
    const what = `starting container ${call.object}`;
    return { kind: 'fail', afterMs: 1, error: toEngineError(words, 'start', what, createRedactor([])) };
  };
}

const changesOf = (stage: Stage, name: string) => stage.changes().filter((line) => line.startsWith(name));

describe('a network of ours that was pruned while its services were stopped', () => {
  async function prunedStage(): Promise<Stage> {
    const stage = setStage();
    await stage.clock.advance(10_000);
    for (const name of ['api', 'ui']) {
      void stage.supervisor.stop(name);
      await stage.clock.advance(2_000);
    }
    stage.engine.networks.clear();
    stage.engine.calls.length = 0;
    return stage;
  }

  test('is made again, with a new container, and the start goes on', async () => {
    const stage = await prunedStage();
    const before = idOf(stage);
    // A container knows its network by an id, which one that is made again does not have.
    needNetworks(stage, () => (idOf(stage) === before ? ['5eed5eed5eed5eed'] : [OURS]));
    const started = stage.supervisor.start('api');
    await stage.clock.advance(10_000);
    await started;
    expect(stage.changes()).toEqual([
      'startContainer ai-sandbox-api',
      `createNetwork ${OURS}`,
      'removeContainer ai-sandbox-api',
      'createContainer ai-sandbox-api',
      'startContainer ai-sandbox-api',
    ]);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('is asked for again as often as it vanishes, with the words of the engine and ever longer waits', async () => {
    const stage = await prunedStage();
    needNetworks(stage, () => ['5eed5eed5eed5eed']);
    void stage.supervisor.start('api').catch(() => undefined);
    await stage.clock.advance(300_000);
    expect(changesOf(stage, 'startContainer').length).toBeLessThanOrEqual(9);
    expect(view(stage)).toMatchObject({ service_status: 'stopped', problem: { code: 'network_missing' } });
    expect(view(stage).problem?.detail).toContain('network 5eed5eed5eed5eed not found');
  });
});

describe('an external network that does not exist', () => {
  const attached = (name: string): ServiceSpec =>
    service(name, {
      networks: ['default', 'proxy'].map((network) => ({
        network,
        aliases: [],
        ipv4Address: null,
        ipv6Address: null,
        priority: 0,
      })),
    });

  async function externalStage(): Promise<Stage> {
    const services = [attached('api'), service('ui')];
    const stage = setStage({ services });
    const file = project(services);
    const external = { key: 'proxy', name: 'web_proxy', external: true, driver: null };
    stage.supervisor.setDesired({
      project: { ...file, networks: [...file.networks, external] },
      overrides: {},
    });
    needNetworks(stage, () => [OURS, 'web_proxy']);
    return stage;
  }

  test('is a problem with its name and remedy, and is tried again ever more seldom', async () => {
    const stage = await externalStage();
    await stage.clock.advance(120_000);
    expect(view(stage)).toMatchObject({
      service_status: 'stopped',
      problem: {
        code: 'network_missing',
        remedy: expect.stringContaining('docker network create web_proxy'),
      },
    });
    expect(changesOf(stage, 'startContainer ai-sandbox-api').length).toBeLessThanOrEqual(7);
    expect(changesOf(stage, 'removeContainer')).toEqual([]);
    expect(view(stage, 'ui').service_status).toBe('running');
  });

  test('is tried at once when a user asks, and runs when it is there', async () => {
    const stage = await externalStage();
    await stage.clock.advance(120_000);
    stage.engine.networks.add('web_proxy');
    const started = stage.supervisor.start('api');
    await stage.clock.advance(5_000);
    await started;
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });
});
