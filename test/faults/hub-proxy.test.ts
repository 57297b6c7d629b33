import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createHub } from '../../src/model/hub.ts';
import { hubFixture, MODEL_ID } from '../support/hub-fixture.ts';

const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];

let proxy: Server;
let asked: string[] = [];
const before = new Map<string, string | undefined>();

beforeEach(async () => {
  asked = [];
  proxy = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(502).end();
  });
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  for (const name of PROXY_VARIABLES) {
    before.set(name, process.env[name]);
    delete process.env[name];
  }
  const { port } = proxy.address() as AddressInfo;
  process.env['https_proxy'] = `http://127.0.0.1:${port}`;
  process.env['http_proxy'] = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await new Promise((closed) => proxy.close(closed));
});

describe('the proxy of the environment', () => {
  it('is used for a hub on the internet', async () => {
    const hub = createHub({ endpoint: 'https://hub.invalid', token: () => null, clock: systemClock });
    const identifier = { id: MODEL_ID, organisation: 'acme', name: 'tiny' };
    await expect(hub.resolve(identifier, 'main', new AbortController().signal)).rejects.toMatchObject({
      finding: { code: 'hub_unreachable' },
    });
    await hub.close();
    expect(asked).toEqual(['hub.invalid:443']);
  });

  it('is not used for a hub on loopback', async () => {
    const fixture = await hubFixture();
    fixture.keeper.setWanted({ text: MODEL_ID, directory: fixture.directory });
    await fixture.until(({ complete }) => complete);
    await fixture.close();
    expect(asked).toEqual([]);
  });
});
