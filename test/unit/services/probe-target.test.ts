import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import type { ObservedContainer } from '../../../src/docker/engine.ts';
import { probeTarget } from '../../../src/services/probe-target.ts';
import type { Probe } from '../../../src/services/types.ts';
import { project, service, setStage, view } from './support.ts';

/** A container on the network of the file. */
const ON_NETWORK = { addresses: { 'ai-sandbox-network': '172.20.0.2' }, publishedPorts: {} };
const addressesOf = (spec: ServiceSpec, container: Partial<ObservedContainer> = ON_NETWORK) =>
  probeTarget(spec, project([spec]), { addresses: {}, publishedPorts: {}, ...container } as ObservedContainer)
    .addresses;

describe('where a service is dialled', () => {
  test('is the port of its command, of the file, or of its program, published or not', () => {
    const at = (name: string, fields: Partial<ServiceSpec>) => addressesOf(service(name, fields))[0]?.port;
    expect(at('api', { ports: [] })).toBe(8000);
    expect(at('ui', { ports: [] })).toBe(8080);
    expect(at('api', { ports: [], command: ['org/name', '--port', '9000'] })).toBe(9000);
    expect(at('api', { ports: [], expose: ['9001/tcp'] })).toBe(9001);
    expect(at('api', { ports: [{ target: 53, published: 53, hostIp: '', protocol: 'udp' }] })).toBe(8000);
  });

  test('is the own address first, then the published one', () => {
    const container = {
      ...ON_NETWORK,
      publishedPorts: { '8000/tcp': [{ hostIp: '0.0.0.0', hostPort: 81 }] },
    };
    expect(addressesOf(service('api'), container)).toEqual([
      { host: '172.20.0.2', port: 8000 },
      { host: '127.0.0.1', port: 81 },
    ]);
  });

  test("is the engine's own bridge where the file says so, loopback in the network of the host, and nowhere without a network", () => {
    const api = (networkMode: string) => service('api', { ports: [], networks: [], networkMode });
    const bridge = { addresses: { bridge: '172.17.0.2' } };
    expect(addressesOf(api('bridge'), bridge)).toEqual([{ host: '172.17.0.2', port: 8000 }]);
    expect(addressesOf(api('host'), {})).toEqual([{ host: '127.0.0.1', port: 8000 }]);
    expect(addressesOf(api('none'), {})).toEqual([]);
  });
});

test('a service that publishes no port becomes ready and is left alone', async () => {
  const probe: Probe = ({ addresses }) => {
    const ready = addresses.some(({ port }) => port === 8000);
    return Promise.resolve({ ready, alive: ready, detail: '', finding: null });
  };
  const stage = setStage({ services: [service('api', { ports: [] })], parts: { probes: { api: probe } } });
  await stage.clock.advance(3_600_000);
  expect(view(stage)).toMatchObject({ ready: true, restarts: 0 });
});
