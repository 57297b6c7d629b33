import type { Field, Report } from './field.ts';
import { serviceOf } from './modes.ts';
import { nearestWord } from './near-miss.ts';
import type { ReadService } from './service.ts';
import type { NetworkSpec, VolumeSpec } from './service-spec.ts';

/** Reports names that lead nowhere, taken container names, and services that wait for each other in a circle. */
export function checkReferences(
  services: readonly ReadService[],
  networks: readonly NetworkSpec[],
  volumes: readonly VolumeSpec[],
  report: Report,
): void {
  const serviceNames = services.map(({ spec }) => spec.name);
  const networkKeys = networks.map((network) => network.key);
  const volumeKeys = volumes.map((volume) => volume.key);
  const wanted = (field: Field, kind: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    const near = nearestWord(name, known);
    report(
      field,
      `there is no ${kind} "${name}" in this file${near === null ? '' : `; did you mean "${near}"?`}`,
    );
  };
  const containers = new Map<string, string>();
  for (const { spec, field, keys } of services) {
    const at = (key: string) => keys.get(key) ?? field;
    for (const { network } of spec.networks) wanted(at('networks'), 'network', network, networkKeys);
    for (const mount of spec.mounts)
      if (mount.kind === 'volume' && mount.source !== null)
        wanted(at('volumes'), 'volume', mount.source, volumeKeys);
    for (const key of ['network_mode', 'ipc'] as const) {
      const peer = serviceOf(key === 'ipc' ? spec.ipc : spec.networkMode);
      if (peer !== null) wanted(at(key), 'service', peer, serviceNames);
    }
    const shared = [serviceOf(spec.ipc), serviceOf(spec.networkMode)];
    for (const { service } of spec.dependsOn)
      if (!shared.includes(service)) wanted(at('depends_on'), 'service', service, serviceNames);
    const owner = containers.get(spec.containerName);
    if (owner !== undefined)
      report(at('container_name'), `the container name ${spec.containerName} is already that of ${owner}`);
    containers.set(spec.containerName, spec.name);
    const circle = findCircle(spec.name, services);
    if (circle !== null)
      report(at('depends_on'), `services wait for each other in a circle: ${circle.join(' → ')}`);
  }
}

function findCircle(start: string, services: readonly ReadService[]): string[] | null {
  const needs = new Map(
    services.map(({ spec }) => [spec.name, spec.dependsOn.map(({ service }) => service)]),
  );
  const visited = new Set<string>();
  const follow = (name: string, way: string[]): string[] | null => {
    for (const next of needs.get(name) ?? []) {
      if (next === start) return [...way, next];
      if (visited.has(next)) continue;
      visited.add(next);
      const found = follow(next, [...way, next]);
      if (found !== null) return found;
    }
    return null;
  };
  return follow(start, [start]);
}
