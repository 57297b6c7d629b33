import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { parseMetadata, parseToken } from '../../../src/host/metadata.ts';
import { createMetadataClient } from '../../../src/host/metadata-client.ts';
import { systemClock } from '../../../src/lib/clock.ts';

const INSTANCE = {
  id: 36_493_210,
  host_uuid: '0b1f3c3c2f2d',
  label: 'my-sandbox',
  region: 'us-ord',
  type: 'g2-gpu-rtx4000a1-s',
  tags: [],
  specs: { vcpus: 4, memory: 16_384, disk: 524_288, transfer: 5000, gpus: 1 },
  backups: { enabled: false, status: null },
};
const NETWORK = {
  interfaces: [],
  ipv4: { public: ['192.0.2.17/24'], private: ['192.168.130.4/17'], shared: [] },
  ipv6: { slaac: '2001:db8::f03c:95ff/128', link_local: 'fe80::1/128', ranges: [], shared_ranges: [] },
};

describe('parseMetadata', () => {
  test('reads plan, region, label and the public addresses without their prefix lengths', () => {
    expect(parseMetadata(INSTANCE, NETWORK)).toEqual({
      instanceType: 'g2-gpu-rtx4000a1-s',
      region: 'us-ord',
      label: 'my-sandbox',
      publicAddresses: ['192.0.2.17', '2001:db8::f03c:95ff'],
    });
  });

  test.each([
    ['nothing', null, null],
    ['other types', { type: 3, region: ['x'], label: '' }, { ipv4: 'none', ipv6: { slaac: 7 } }],
    ['no addresses', { label: 'x'.repeat(200) }, { ipv4: { public: ['not an address', '1.2.3.4.5/8', 6] } }],
    ['a list', [INSTANCE], [NETWORK]],
  ])('takes %s for unknown', (_what, instance, network) => {
    expect(parseMetadata(instance, network)).toEqual({
      instanceType: null,
      region: null,
      label: null,
      publicAddresses: [],
    });
  });
});

describe('parseToken', () => {
  test.each([
    ['["abcdef0123456789"]', 'abcdef0123456789'],
    ['abcdef0123456789\n', 'abcdef0123456789'],
    ['<html>another service</html>', null],
    ['[]', null],
    ['["with\\r\\nheader: x"]', null],
    ['', null],
  ])('takes %j for %j', (body, token) => {
    expect(parseToken(body)).toBe(token);
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

describe('the client', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  async function serve(answer: Answer) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { asked, baseUrl: `http://127.0.0.1:${port}` };
  }

  /** The service as documented: tokens by PUT, answers only with a token that has not expired. */
  function service(expired: Set<string>): Answer {
    let made = 0;
    return (request, response) => {
      if (request.url === '/v1/token') {
        const wanted =
          request.method === 'PUT' && request.headers['metadata-token-expiry-seconds'] === '3600';
        made += 1;
        response.writeHead(wanted ? 200 : 400).end(JSON.stringify([`token-number-${made}`]));
        return;
      }
      const token = String(request.headers['metadata-token']);
      if (!token.startsWith('token-number-') || expired.has(token)) {
        response.writeHead(401).end('{"errors":[{"reason":"Invalid token"}]}');
        return;
      }
      const json = request.headers.accept === 'application/json';
      response.end(json ? JSON.stringify(request.url === '/v1/instance' ? INSTANCE : NETWORK) : 'id: 1');
    };
  }

  test('fetches a token once and reads both answers with it', async () => {
    const { asked, baseUrl } = await serve(service(new Set()));
    const client = createMetadataClient({ baseUrl, clock: systemClock });
    const signal = new AbortController().signal;
    expect((await client.read(signal)).publicAddresses).toEqual(['192.0.2.17', '2001:db8::f03c:95ff']);
    expect((await client.read(signal)).label).toBe('my-sandbox');
    expect(asked.filter((line) => line === 'PUT /v1/token')).toHaveLength(1);
  });

  test('renews a token that is not accepted any more, once', async () => {
    const expired = new Set<string>();
    const { asked, baseUrl } = await serve(service(expired));
    const client = createMetadataClient({ baseUrl, clock: systemClock });
    const signal = new AbortController().signal;
    await client.read(signal);
    expired.add('token-number-1');
    expect((await client.read(signal)).region).toBe('us-ord');
    expect(asked.filter((line) => line === 'PUT /v1/token')).toHaveLength(2);
    for (const number of [2, 3, 4, 5]) expired.add(`token-number-${number}`);
    await expect(client.read(signal)).rejects.toThrow('GET /v1/instance answered 401');
  });

  test('says so when something else answers there', async () => {
    const { baseUrl } = await serve((_, response) => response.writeHead(404).end('<html>'));
    const client = createMetadataClient({ baseUrl, clock: systemClock });
    await expect(client.read(new AbortController().signal)).rejects.toThrow('PUT /v1/token answered 404');
  });

  test('gives up when nobody answers in time', async () => {
    const { baseUrl } = await serve(() => undefined);
    const clock = { ...systemClock, sleep: () => systemClock.sleep(20) };
    const client = createMetadataClient({ baseUrl, clock });
    await expect(client.read(new AbortController().signal)).rejects.toThrow('did not answer within 3 s');
  });

  test('does not read an endless answer', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.write('x'.repeat(100_000));
    });
    const client = createMetadataClient({ baseUrl, clock: systemClock });
    await expect(client.read(new AbortController().signal)).rejects.toThrow('more than 65536 bytes');
  });
});
