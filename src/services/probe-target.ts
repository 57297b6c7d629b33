import { containerPort } from '../compose/served-model.ts';
import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { ObservedContainer } from '../docker/engine.ts';
import type { Probe, ProbeResult, ProbeTarget } from './types.ts';

/**
 * Where to dial a service: the container's own address on the networks of the file, then on any other (`network_mode: bridge`),
 * then the published one. No address: nothing on this machine can reach it.
 */
export function probeTarget(
  service: ServiceSpec,
  project: ComposeProject,
  container: ObservedContainer,
): ProbeTarget {
  const port = containerPort(service);
  const names = service.networks.map(
    (attachment) => project.networks.find((network) => network.key === attachment.network)?.name,
  );
  const known = names.map((name) => (name === undefined ? undefined : container.addresses[name]));
  const own = [...new Set([...known, ...Object.values(container.addresses)])]
    .filter((address) => address !== undefined && address !== '')
    .map((host) => ({ host: String(host), port }));
  const published = (container.publishedPorts[`${port}/tcp`] ?? []).map(({ hostIp, hostPort }) => ({
    host: dialable(hostIp),
    port: hostPort,
  }));
  const host = service.networkMode === 'host' ? [{ host: '127.0.0.1', port }] : [];
  return {
    service,
    containerId: container.id,
    addresses: [...own, ...published, ...host],
  };
}

/** An address that listens everywhere is dialled on loopback. */
function dialable(hostIp: string): string {
  if (hostIp === '' || hostIp === '0.0.0.0') return '127.0.0.1';
  return hostIp === '::' ? '::1' : hostIp;
}

/** Readiness of a service without a probe of its own: its healthcheck, or that it runs. */
export function healthResult(container: ObservedContainer): ProbeResult {
  if (container.state !== 'running') {
    return { ready: false, alive: false, detail: `is ${container.state}`, finding: null };
  }
  switch (container.health) {
    case 'none':
    case 'healthy':
      return { ready: true, alive: true, detail: '', finding: null };
    case 'starting':
    case 'unhealthy':
      return {
        ready: false,
        alive: false,
        detail: `its healthcheck says ${container.health}`,
        finding: null,
      };
  }
}

/** Special probes by service name. */
export type Probes = Readonly<Record<string, Probe>>;
