import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { StatusSchema } from '../../../src/status/schema.ts';
import { testApi } from '../../support/test-api.ts';

describe('the read-only port', () => {
  it('answers /status with the whole contract as JSON', async () => {
    await using setup = await testApi();
    const answer = await setup.api.tcp.inject({ url: '/status', headers: { accept: '*/*' } });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect([...Value.Errors(StatusSchema, answer.json())]).toEqual([]);
  });

  it('answers /status as text for a terminal that asks for it', async () => {
    await using setup = await testApi();
    const answer = await setup.api.tcp.inject({ url: '/status', headers: { accept: 'text/plain' } });
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.body).toContain('example/model');
  });

  it('answers /readyz and /livez with 200 when all is well', async () => {
    await using setup = await testApi();
    expect((await setup.api.tcp.inject('/readyz')).json()).toEqual({ ready: true, reasons: [] });
    expect((await setup.api.tcp.inject('/livez')).json()).toEqual({
      ok: true,
      detail: 'the main loop moves',
    });
  });

  it('answers /readyz with 503 and the reasons', async () => {
    await using setup = await testApi({
      ready: () => ({ ready: false, reasons: ['api: starting', 'chats: not checked yet'] }),
    });
    const answer = await setup.api.tcp.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'Not ready: api: starting; chats: not checked yet.',
      ready: false,
      reasons: ['api: starting', 'chats: not checked yet'],
    });
  });

  it('answers /livez with 503 when the main loop stands still', async () => {
    await using setup = await testApi({ livez: () => ({ ok: false, detail: 'no round for 90 s' }) });
    const answer = await setup.api.tcp.inject('/livez');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ status: 503, detail: 'no round for 90 s' });
  });

  it.each(['/services/api/stop', '/model/retry', '/reload'])(
    'carries out no change: POST %s',
    async (url) => {
      await using setup = await testApi();
      const answer = await setup.api.tcp.inject({ method: 'POST', url });
      expect(answer.statusCode).toBe(404);
      expect(answer.json().detail).toContain(`curl --unix-socket ${setup.socketPath} http://localhost${url}`);
      expect(setup.calls).toEqual([]);
    },
  );

  it('shows no logs and no jobs', async () => {
    await using setup = await testApi();
    expect((await setup.api.tcp.inject('/services/api/logs')).statusCode).toBe(404);
    expect((await setup.api.tcp.inject('/jobs/1')).statusCode).toBe(404);
  });

  it('says which method a path answers', async () => {
    await using setup = await testApi();
    const answer = await setup.api.tcp.inject({ method: 'DELETE', url: '/status?x=1' });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers['allow']).toBe('GET, HEAD');
    expect(answer.json().detail).toBe('/status answers GET only, not DELETE.');
  });

  it('lists what there is for an unknown path', async () => {
    await using setup = await testApi();
    const answer = await setup.api.tcp.inject('/');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json().detail).toContain('/status, /livez and /readyz');
  });

  it('answers a path that cannot be decoded with problem+json', async () => {
    await using setup = await testApi();
    const answer = await setup.api.tcp.inject('/%c0');
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('tells the client nothing about a failure inside', async () => {
    const errors: string[] = [];
    await using setup = await testApi({
      current: () => {
        throw new Error('secret inside');
      },
      log: { error: (message) => errors.push(message), warn() {}, info() {}, debug() {} },
    });
    const answer = await setup.api.tcp.inject('/status');
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('secret inside');
    expect(errors).toEqual(['GET /status: secret inside']);
  });

  it.each(['evil.example', 'evil.example:9000', '203.0.113.9', 'localhost.evil.example'])(
    'refuses a request whose Host is %j: it comes from a page of that name',
    async (host) => {
      await using setup = await testApi();
      const answer = await setup.api.tcp.inject({ url: '/status', headers: { host } });
      expect(answer.statusCode).toBe(421);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.body).not.toContain('example/model');
    },
  );

  it.each(['localhost', 'localhost:19000', 'LOCALHOST.', '127.0.0.1:9000', '127.9.9.9', '[::1]:9000'])(
    'accepts the Host %s',
    async (host) => {
      await using setup = await testApi();
      const answer = await setup.api.tcp.inject({ url: '/status', headers: { host } });
      expect(answer.statusCode).toBe(200);
    },
  );

  it('accepts the address that it listens on as Host', async () => {
    await using setup = await testApi({ listen: { host: '192.0.2.7', port: 9000 } });
    const answer = await setup.api.tcp.inject({ url: '/status', headers: { host: '192.0.2.7:9000' } });
    expect(answer.statusCode).toBe(200);
  });
});
