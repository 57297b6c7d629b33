import { isLoopbackHost } from '../lib/loopback.ts';
import { flagValue } from './served-model.ts';
import type { PublishedPort, ServiceSpec } from './service-spec.ts';

/** Whether a port of the service is published for other machines: at any address but one of loopback. */
export function opensToNetwork(service: Pick<ServiceSpec, 'ports'>): boolean {
  return service.ports.some(({ hostIp }) => !isLoopbackHost(hostIp));
}

/** The service with the same ports for this machine only; one that opens nothing comes back as it is. */
export function closedToNetwork(service: ServiceSpec): ServiceSpec {
  if (!opensToNetwork(service)) return service;
  const ports = new Map<string, PublishedPort>();
  for (const port of service.ports) {
    const closed = { ...port, hostIp: loopbackFor(port.hostIp) };
    // Two addresses of the machine become one: the engine refuses the same binding twice.
    ports.set(JSON.stringify(closed), closed);
  }
  return { ...service, ports: [...ports.values()] };
}

/** Whether vLLM asks for a key: in its environment, or as an option of its command. */
export function hasApiKey(service: Pick<ServiceSpec, 'command' | 'environment'>): boolean {
  const option = flagValue(service.command ?? [], '--api-key') ?? '';
  return option !== '' || (service.environment['VLLM_API_KEY'] ?? '') !== '';
}

function loopbackFor(address: string): string {
  if (isLoopbackHost(address)) return address;
  return address.includes(':') ? '::1' : '127.0.0.1';
}
