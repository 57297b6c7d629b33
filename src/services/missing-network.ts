import type { Finding } from '../status/problem.ts';
import type { Room } from './room.ts';
import type { Step } from './step.ts';
import type { Unit } from './unit.ts';

/**
 * A network of the service is gone. What is known of networks is forgotten, so that one of ours is made again; a container
 * keeps the id of the old one, so that only a new container joins it. Returns the problem to refuse with, or null while the
 * daemon mends it by itself: one of ours that is missed for the first time.
 */
export function networkMissing(
  room: Room,
  unit: Unit,
  action: Step['action'],
  finding: Finding,
): Finding | null {
  const external = externalNetwork(room, unit.name, finding.detail);
  if (external !== null) {
    const remedy = `Make it: docker network create ${external}; it is tried again by itself.`;
    return { ...finding, remedy };
  }
  room.networks = null;
  if (action === 'startContainer') unit.recreate = 'a network that it is connected to is gone';
  return unit.refusals === 0 ? null : finding;
}

/** The network of the service that is not ours to make and that the engine's words name; null where they name another. */
function externalNetwork(room: Room, name: string, words: string): string | null {
  const service = room.desired?.services.find((other) => other.name === name);
  const joined = new Set(service?.networks.map((attachment) => attachment.network));
  const named = new Set(words.split(/[\s"']+/));
  const missing = room.desired?.project.networks.find(
    (network) => network.external && joined.has(network.key) && named.has(network.name),
  );
  return missing?.name ?? null;
}
