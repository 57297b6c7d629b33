import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createJobs } from '../../../src/api/jobs.ts';
import { fakeControl, testApi } from '../../support/test-api.ts';

describe('the control socket', () => {
  it.each(['start', 'stop', 'restart'])('accepts %s with a job that tells how it ended', async (action) => {
    await using setup = await testApi();
    const accepted = await setup.api.unix.inject({ method: 'POST', url: `/services/ui/${action}` });
    expect(accepted.statusCode).toBe(202);
    expect(accepted.json()).toMatchObject({ action, target: 'ui', state: 'running', finished_at: null });
    expect(accepted.headers['location']).toBe(`/jobs/${accepted.json().id}`);
    await turn();
    const job = await setup.api.unix.inject(String(accepted.headers['location']));
    expect(job.json()).toMatchObject({ state: 'succeeded', detail: null });
    expect(setup.calls).toEqual([`${action} ui`]);
  });

  it('shows the reason of a change that failed', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        stop: async () => {
          throw new Error('the engine does not answer');
        },
      }),
    });
    const accepted = await setup.api.unix.inject({ method: 'POST', url: '/services/api/stop' });
    await turn();
    const job = await setup.api.unix.inject(`/jobs/${accepted.json().id}`);
    expect(job.json()).toMatchObject({ state: 'failed', detail: 'the engine does not answer' });
  });

  it('accepts a new try for the model', async () => {
    await using setup = await testApi();
    const accepted = await setup.api.unix.inject({ method: 'POST', url: '/model/retry' });
    expect(accepted.statusCode).toBe(202);
    expect(accepted.json()).toMatchObject({ action: 'retry', target: 'model' });
    await turn();
    expect(setup.calls).toEqual(['retry model']);
  });

  it('accepts a reload and tells in its job what is not in force', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        async reload() {
          throw new Error('one line\nand another');
        },
      }),
    });
    const accepted = await setup.api.unix.inject({ method: 'POST', url: '/reload' });
    expect(accepted.json()).toMatchObject({ action: 'reload', target: 'daemon' });
    await turn();
    const job = await setup.api.unix.inject({ url: `/jobs/${accepted.json().id}` });
    expect(job.json()).toMatchObject({ state: 'failed', detail: 'one line\nand another' });
  });

  it('needs no Host of this machine: no browser reaches a socket', async () => {
    await using setup = await testApi();
    const answer = await setup.api.unix.inject({ url: '/status', headers: { host: 'anything' } });
    expect(answer.statusCode).toBe(200);
  });

  it.each([
    ['POST', '/services/apy/start'],
    ['GET', '/services/apy/logs'],
  ] as const)('names the services for an unknown one: %s %s', async (method, url) => {
    await using setup = await testApi();
    const answer = await setup.api.unix.inject({ method, url });
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({
      detail: 'There is no service "apy" in the compose file; it has: api, ui.',
      services: ['api', 'ui'],
    });
    expect(setup.calls).toEqual([]);
  });

  it('changes nothing on GET', async () => {
    await using setup = await testApi();
    const answer = await setup.api.unix.inject('/services/api/stop');
    expect(answer.statusCode).toBe(405);
    expect(answer.headers['allow']).toBe('POST');
    expect(setup.calls).toEqual([]);
  });

  it('does not know jobs of before', async () => {
    await using setup = await testApi();
    expect((await setup.api.unix.inject('/jobs/of-before')).statusCode).toBe(404);
  });

  it.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded'])(
    'ignores a small body of type %s and refuses a large one',
    async (type) => {
      await using setup = await testApi();
      const post = (payload: string) =>
        setup.api.unix.inject({
          method: 'POST',
          url: '/services/api/start',
          headers: { 'content-type': type },
          payload,
        });
      expect((await post('')).statusCode).toBe(202);
      expect((await post('{"not json')).statusCode).toBe(202);
      const refused = await post('x'.repeat(17 * 1024));
      expect(refused.statusCode).toBe(413);
      expect(refused.headers['content-type']).toBe('application/problem+json');
      await turn();
      expect(setup.calls).toEqual(['start api', 'start api']);
    },
  );

  it.each([
    ['?tail=5&follow=true', 'api 5 true\n'],
    ['?follow', 'api 100 true\n'],
    ['', 'api 100 false\n'],
    ['?tail=0', 'api 0 false\n'],
  ])('sends the lines of a log for %j', async (query, text) => {
    await using setup = await testApi();
    const answer = await setup.api.unix.inject(`/services/api/logs${query}`);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toBe(text);
  });

  it.each(['?tail=10001', '?tail=-1', '?tail=x', '?tail=1&tail=2', '?follow=perhaps', '?since=1h'])(
    'refuses the log query %j with what is allowed',
    async (query) => {
      await using setup = await testApi();
      const answer = await setup.api.unix.inject(`/services/api/logs${query}`);
      expect(answer.statusCode).toBe(400);
      expect(answer.headers['content-type']).toBe('application/problem+json');
    },
  );

  it('answers 503 with the reason when a log cannot be opened', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        // biome-ignore lint/correctness/useYield: a log that fails before its first line
        async *logs() {
          throw new Error('no container yet');
        },
      }),
    });
    const answer = await setup.api.unix.inject('/services/api/logs');
    expect(answer.statusCode).toBe(503);
    expect(answer.json().detail).toBe('The log cannot be read: no container yet');
  });
});

describe('createJobs', () => {
  it('keeps the last hundred finished jobs, and every running one', async () => {
    let count = 0;
    const jobs = createJobs({ now: () => new Date(0) }, () => String(++count));
    const endless = jobs.run('stop', 'api', () => new Promise(() => undefined));
    for (let i = 0; i < 150; i += 1) {
      jobs.run('start', 'api', () => undefined);
      await turn();
    }
    expect(jobs.get(endless.id)?.state).toBe('running');
    expect(jobs.get('2')).toBeNull();
    expect(jobs.get('151')?.state).toBe('succeeded');
  });
});
