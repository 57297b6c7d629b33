import { expect, test } from 'vitest';
import { EngineError } from '../../../src/docker/engine.ts';
import { isPortAllocated, namePortHolder, parseRunning } from '../../../src/docker/port-holder.ts';

const refusal = (address: string) => {
  const words = `driver failed programming external connectivity on endpoint ui (5eed): Bind for ${address} failed: port is already allocated`;
  return new EngineError('refused', words, { code: 'port_in_use', detail: `starting ui: ${words}` }, 500);
};
/** An entry of `GET /containers/json`, engine 20.10.24. */
const LISTED = {
  Id: 'c0ffee',
  Names: ['/shop-web-1'],
  Labels: { 'com.docker.compose.project': 'shop' },
  Ports: [
    { PrivatePort: 9, Type: 'udp' },
    { IP: '127.0.0.1', PrivatePort: 80, PublicPort: 3000, Type: 'tcp' },
  ],
};
const shop = parseRunning(LISTED);
if (shop === null) throw new Error('the entry is not read');

test('an entry of the list is reduced to name, project and the ports that are bound', () => {
  expect(shop).toEqual({
    id: 'c0ffee',
    name: 'shop-web-1',
    project: 'shop',
    publishedPorts: [{ hostIp: '127.0.0.1', hostPort: 3000 }],
  });
  expect(parseRunning({ Id: 'c', Names: null, Labels: null, Ports: null })).toEqual({
    id: 'c',
    name: '',
    project: null,
    publishedPorts: [],
  });
  expect(parseRunning('hostile')).toBeNull();
});

test.each(['127.0.0.1:3000', '0.0.0.0:3000', ':::3000'])('the holder of %s is named', (address) => {
  expect(namePortHolder(refusal(address), [shop]).finding).toMatchObject({
    code: 'port_in_use',
    detail: expect.stringContaining('the container shop-web-1 has it'),
    remedy: expect.stringContaining('docker stop shop-web-1'),
  });
});

test.each(['127.0.0.1:30000', '127.0.0.2:3000'])(
  'a port that no container has was left over: %s',
  (address) => {
    const named = namePortHolder(refusal(address), [shop]);
    expect(named.finding.code).toBe('port_left_taken');
    expect(named.finding.detail).toContain(`Bind for ${address} failed`);
    expect(named.statusCode).toBe(500);
  },
);

test('only the engine’s own refusal is about a port that it has given away', () => {
  expect(isPortAllocated(refusal('127.0.0.1:3000'))).toBe(true);
  const process = 'listen tcp4 0.0.0.0:8000: bind: address already in use';
  expect(isPortAllocated(new EngineError('refused', process, { code: 'port_in_use', detail: '' }))).toBe(
    false,
  );
  expect(isPortAllocated(new Error('Bind for 0.0.0.0:80 failed: port is already allocated'))).toBe(false);
});
