import type { ServiceSpec } from '../compose/service-spec.ts';
import { giveUp } from './lanes.ts';
import { remainingMs, withFreshAttempts } from './memory.ts';
import { RESTART_CAP_MS } from './restart-policy.ts';
import { imageOf, type Room } from './room.ts';
import { imageLane, serviceLane } from './step.ts';
import type { Desired } from './types.ts';
import { clearWaits, newUnit, rejectActions } from './unit.ts';
import { endWatch } from './watches.ts';

/** Takes a new desired state: hashes, units, and a fresh start for every service whose part has changed. */
export function adoptDesired(room: Room, desired: Desired): void {
  if (desired === null) {
    room.desired = null;
    return;
  }
  const { specHash, applyOverrides, clock } = room.parts;
  const { project } = desired;
  const withOverrides = (service: ServiceSpec) => {
    const overrides = desired.overrides[service.name];
    return overrides === undefined || applyOverrides === undefined
      ? service
      : applyOverrides(service, overrides);
  };
  const services = project.services.map(withOverrides);
  const hashes = Object.fromEntries(services.map((service) => [service.name, specHash(project, service)]));
  const accepted = Object.fromEntries(
    Object.entries(desired.accepted ?? {}).map(([name, service]) => [
      name,
      specHash(project, withOverrides(service)),
    ]),
  );
  room.desired = { project, services, hashes, accepted, because: desired.because ?? {} };
  room.overrides = desired.overrides;
  room.networks = null;
  room.volumes = null;
  room.listWanted = true;
  const names = new Set(services.map((service) => service.name));
  for (const [name, unit] of room.units) {
    if (names.has(name)) continue;
    endWatch(unit);
    rejectActions(unit, { code: 'engine_call_failed', detail: `${name} left the compose file` });
    if (room.lanes.get(serviceLane(name))?.step.action === 'createContainer') giveUp(room, serviceLane(name));
    room.units.delete(name);
    room.memory.forget(name);
  }
  for (const service of services) {
    let memory = room.memory.of(service.name);
    if (room.rebooted) memory = { ...memory, nextRestartAt: null, failure: null };
    const now = clock.monotonicMs();
    const hash = hashes[service.name] ?? null;
    const changed = memory.hash !== hash && memory.hash !== null;
    if (changed) memory = withFreshAttempts(memory);
    room.memory.set(service.name, { ...memory, hash });
    const known = room.units.get(service.name);
    if (known === undefined) {
      const restartInMs = remainingMs(memory.nextRestartAt, clock.now(), RESTART_CAP_MS);
      room.units.set(service.name, newUnit(service.name, now, restartInMs));
    } else if (changed) {
      clearWaits(known, now);
      room.rests.delete(serviceLane(service.name));
      const image = imageOf(room, service.image);
      Object.assign(image, { fresh: false, failures: 0, finding: null });
      room.rests.delete(imageLane(service.image));
    }
  }
}
