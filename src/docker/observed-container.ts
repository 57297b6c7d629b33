import type { ObservedContainer } from './engine.ts';
import { asList, asNumber, asRecord, asText, asTextRecord } from './json-reader.ts';

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
const HEALTH = ['none', 'starting', 'healthy', 'unhealthy'] as const;

/** Reduces the answer of `GET /containers/{id}/json`. Null when it is not the description of a container. */
export function parseContainer(answer: unknown): ObservedContainer | null {
  const fields = asRecord(answer);
  const state = asRecord(fields['State']);
  const config = asRecord(fields['Config']);
  const host = asRecord(fields['HostConfig']);
  const settings = asRecord(fields['NetworkSettings']);
  const networks = asRecord(settings['Networks']);
  const id = asText(fields['Id']);
  const status = STATES.find((known) => known === state['Status']);
  if (id === '' || status === undefined) return null;
  return {
    id,
    name: asText(fields['Name']).replace(/^\//, ''),
    labels: asTextRecord(config['Labels']),
    image: asText(config['Image']),
    imageId: asText(fields['Image']),
    state: status,
    exitCode: asNumber(state['ExitCode']),
    oomKilled: state['OOMKilled'] === true,
    error: asText(state['Error']),
    startedAt: time(state['StartedAt']),
    finishedAt: time(state['FinishedAt']),
    createdAt: asText(fields['Created']),
    restartPolicy: asText(asRecord(host['RestartPolicy'])['Name']) || 'no',
    ...(typeof config['StopTimeout'] === 'number' ? { stopGraceMs: config['StopTimeout'] * 1000 } : {}),
    health: HEALTH.find((known) => known === asRecord(state['Health'])['Status']) ?? 'none',
    pid: asNumber(state['Pid']),
    tty: config['Tty'] === true,
    logDriver: asText(asRecord(host['LogConfig'])['Type']),
    addresses: addressesOf(networks),
    publishedPorts: publishedPortsOf(settings['Ports']),
    mounts: asList(fields['Mounts']).map((mount) => mountOf(asRecord(mount))),
    networkNames: Object.keys(networks),
  };
}

/** The engine writes the year 1 for "never". */
function time(value: unknown): string | null {
  const text = asText(value);
  return text === '' || text.startsWith('0001-') ? null : text;
}

/** `NetworkSettings.IPAddress` is gone from API 1.52 on; the address stands in each network. */
function addressesOf(networks: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(networks).map(([name, network]): [string, string] => {
    const endpoint = asRecord(network);
    return [name, asText(endpoint['IPAddress']) || asText(endpoint['GlobalIPv6Address'])];
  });
  return Object.fromEntries(entries.filter(([, address]) => address !== ''));
}

function publishedPortsOf(ports: unknown): ObservedContainer['publishedPorts'] {
  const published: ObservedContainer['publishedPorts'] = {};
  for (const [port, bindings] of Object.entries(asRecord(ports))) {
    const bound = asList(bindings).map((binding) => {
      const fields = asRecord(binding);
      return { hostIp: asText(fields['HostIp']), hostPort: Number(asText(fields['HostPort'], '0')) };
    });
    if (bound.length > 0) published[port] = bound;
  }
  return published;
}

function mountOf(mount: Record<string, unknown>): ObservedContainer['mounts'][number] {
  return {
    type: asText(mount['Type']),
    source: asText(mount['Source']),
    destination: asText(mount['Destination']),
    name: asText(mount['Name']) || null,
    writable: mount['RW'] === true,
  };
}
