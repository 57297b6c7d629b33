import { createHash } from 'node:crypto';
import type { ComposeProject, ServiceSpec } from './service-spec.ts';

/** Version of what is hashed. A container of another version is adopted as it is, never re-created for the hash alone. */
const SPEC_HASH_VERSION = 1;

/** Fields that change how the daemon acts, but not what a container is. */
const NOT_PART_OF_A_CONTAINER = ['dependsOn', 'pullPolicy', 'declaredRestart', 'imageBytes'] as const;

/** Lists whose order means nothing. */
const SETS = [
  'ports',
  'expose',
  'mounts',
  'networks',
  'ulimits',
  'capAdd',
  'capDrop',
  'securityOpt',
  'extraHosts',
];

/**
 * `v1:<sha256 hex>` of the resolved service, with the engine's names of its networks and volumes. Two files that mean the
 * same container have the same hash, whatever the order of their keys.
 */
export function specHash(project: ComposeProject, service: ServiceSpec): string {
  const skipped: readonly string[] = NOT_PART_OF_A_CONTAINER;
  const entries = Object.entries(service)
    .filter(([key]) => !skipped.includes(key))
    .map(([key, value]): [string, unknown] => [key, SETS.includes(key) ? asSet(value) : value]);
  const names = {
    networks: service.networks.map(
      ({ network }) => project.networks.find((candidate) => candidate.key === network)?.name ?? network,
    ),
    volumes: service.mounts.flatMap((mount) =>
      mount.kind === 'volume' && mount.source !== null
        ? [project.volumes.find((candidate) => candidate.key === mount.source)?.name ?? mount.source]
        : [],
    ),
  };
  const text = canonicalJson({
    project: project.name,
    service: Object.fromEntries(entries),
    networks: asSet(names.networks),
    volumes: asSet(names.volumes),
  });
  return `v${SPEC_HASH_VERSION}:${createHash('sha256').update(text).digest('hex')}`;
}

/** Version and hash of a label, or null where it is none of ours. */
export function parseSpecHash(label: string): { version: number; hash: string } | null {
  const match = /^v(\d{1,6}):([0-9a-f]{64})$/.exec(label);
  return match === null ? null : { version: Number(match[1]), hash: match[2] ?? '' };
}

function asSet(value: unknown): unknown {
  return Array.isArray(value) ? value.map(canonicalJson).sort() : value;
}

/** JSON with the keys of every object in the order of their characters; undefined fields are left out. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
}
