import type { Finding } from '../status/problem.ts';
import { blameEngine } from './exits.ts';
import { type Room, setUncertain } from './room.ts';
import { PROBE_MISSED_MS } from './run-watch.ts';

/** The engine does not answer any more: exits just before are laid at its door, and only probes tell what still runs. */
export function engineLost(room: Room, finding: Finding): void {
  const { clock, log } = room.parts;
  log.debug(`the Docker engine is lost: ${finding.detail}`);
  room.gap = true;
  for (const unit of room.units.values()) {
    // Its containers may have ended with it: only a probe can tell now.
    if (unit.watch !== null) unit.watch = { ...unit.watch, nextProbeAt: clock.monotonicMs() };
    const blamed = blameEngine(room.memory.of(unit.name), clock.now());
    if (blamed === null) continue;
    room.memory.set(unit.name, blamed);
    unit.restartAt = clock.monotonicMs();
    unit.exitFinding = null;
  }
}

/** The engine answers again: nothing that was known of its containers is certain. */
export function engineBack(room: Room): void {
  room.parts.log.info('the Docker engine answers again');
  room.gap = true;
  room.listWanted = true;
  room.networks = null;
  room.volumes = null;
  for (const unit of room.units.values()) {
    setUncertain(room, unit);
    unit.refusedUntil = room.parts.clock.monotonicMs();
    unit.refusals = 0;
  }
  room.rests.clear();
}

/** No event tells of an end now, so that a ready service is asked as often as one that has missed a probe. */
export function probeSooner(room: Room, now: number): void {
  for (const unit of room.units.values()) {
    if (unit.watch === null || unit.watch.nextProbeAt <= now + PROBE_MISSED_MS) continue;
    unit.watch = { ...unit.watch, nextProbeAt: now + PROBE_MISSED_MS };
  }
}
