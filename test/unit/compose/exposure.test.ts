import { describe, expect, test } from 'vitest';
import { closedToNetwork, hasApiKey, opensToNetwork } from '../../../src/compose/exposure.ts';
import type { PublishedPort, ServiceSpec } from '../../../src/compose/service-spec.ts';
import { serviceOf } from '../../support/compose-input.ts';

const service = (ports: string): ServiceSpec => serviceOf(`ports: ${ports}`);
const bindings = (ports: readonly PublishedPort[]) =>
  ports.map(({ hostIp, published }) => `${hostIp} ${published}`);

describe('a published port', () => {
  test.each([
    ['["3000:8080"]', true, ['127.0.0.1 3000']],
    ['["0.0.0.0:3000:8080"]', true, ['127.0.0.1 3000']],
    ['["[::]:3000:8080"]', true, ['::1 3000']],
    ['["192.0.2.7:3000:8080", "198.51.100.7:3000:8080"]', true, ['127.0.0.1 3000']],
    ['["127.0.0.1:3000:8080", "0.0.0.0:3001:8080"]', true, ['127.0.0.1 3000', '127.0.0.1 3001']],
    ['["127.0.0.1:3000:8080"]', false, ['127.0.0.1 3000']],
    ['["127.1.2.3:3000:8080", "[::1]:3000:8080"]', false, ['127.1.2.3 3000', '::1 3000']],
    ['[]', false, []],
  ])('%s opens to the network: %s, closed it is %j', (ports, opens, closed) => {
    const given = service(ports);
    expect(opensToNetwork(given)).toBe(opens);
    expect(bindings(closedToNetwork(given).ports)).toEqual(closed);
    expect(opensToNetwork(closedToNetwork(given))).toBe(false);
  });
});

describe('a key of the API', () => {
  test.each<[string, Pick<ServiceSpec, 'command' | 'environment'>, boolean]>([
    ['stands in the environment', { command: null, environment: { VLLM_API_KEY: 'sk' } }, true],
    ['is an option', { command: ['org/name', '--api-key', 'sk'], environment: {} }, true],
    ['is empty', { command: ['org/name', '--api-key='], environment: { VLLM_API_KEY: '' } }, false],
    ['is nowhere', { command: null, environment: {} }, false],
  ])('%s', (_what, given, expected) => {
    expect(hasApiKey(given)).toBe(expected);
  });
});
