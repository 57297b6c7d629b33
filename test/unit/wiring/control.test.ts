import { describe, expect, it } from 'vitest';
import type { ContainerLogLine } from '../../../src/docker/engine.ts';
import { createControl } from '../../../src/wiring/control.ts';
import { readyFacts } from '../../support/status-facts.ts';

function setStage(containerId: string | null = 'c0ffee', refusal: string | null = null) {
  const calls: string[] = [];
  const note = (name: string) => async (service?: string) => {
    calls.push(service === undefined ? name : `${name} ${service}`);
  };
  const { services } = readyFacts();
  const api = services.services['api'];
  if (api === undefined) throw new Error('the facts have an api');
  const snapshot = {
    ...services,
    services: { ...services.services, api: { ...api, container_id: containerId } },
  };
  const control = createControl({
    supervisor: {
      start: note('start'),
      stop: note('stop'),
      restart: note('restart'),
      snapshot: () => snapshot,
    },
    model: {
      retry: () => {
        calls.push('retry');
        return refusal;
      },
    },
    engine: {
      async *logs(id): AsyncIterable<ContainerLogLine> {
        yield { timestamp: '', stream: 'stdout', text: `line of ${id}` };
      },
    },
    publisher: { publish: note('publish') },
    reload: note('reload'),
  });
  return { control, calls };
}

describe('the control of the rooms', () => {
  it('shows a change in the status before the job is done', async () => {
    const { control, calls } = setStage();
    await control.stop('ui');
    await control.start('ui');
    await control.restart('api');
    await control.retryModel();
    expect(calls).toEqual([
      'stop ui',
      'publish',
      'start ui',
      'publish',
      'restart api',
      'publish',
      'retry',
      'publish',
    ]);
  });

  it('ends a retry of the model with the reason why nothing begins', async () => {
    const { control } = setStage('c0ffee', 'the model is being downloaded already');
    await expect(control.retryModel()).rejects.toThrow('the model is being downloaded already');
  });

  it('gives the log of the container a service has now', async () => {
    const { control } = setStage();
    const lines: string[] = [];
    const query = { tail: 10, follow: false };
    for await (const line of control.logs('api', query, AbortSignal.timeout(1_000))) lines.push(line);
    expect(lines).toEqual(['line of c0ffee']);
  });

  it('says that a service without a container has no log', async () => {
    const { control } = setStage(null);
    const reading = async () => {
      for await (const _ of control.logs('api', { tail: 1, follow: false }, AbortSignal.timeout(1_000)));
    };
    await expect(reading()).rejects.toThrow('api has no container yet');
  });
});
