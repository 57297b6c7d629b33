import { IMAGE_LOOK_MS } from './looking.ts';
import type { Room } from './room.ts';

/** A look at everything happens at least this often, so that the watchdog can tell a stuck loop from a quiet one. */
const LONGEST_REST_MS = 5_000;

/** Monotonic time of the next look at everything: the earliest moment at which something is due. `listAt` is that of the list. */
export function nextLookAt(room: Room, listAt: number): number {
  const now = room.parts.clock.monotonicMs();
  let next = now + LONGEST_REST_MS;
  const sooner = (at: number) => {
    if (at < next) next = Math.max(at, now);
  };
  const later = (at: number) => {
    if (at > now) sooner(at);
  };
  sooner(room.link.nextAt);
  if (room.link.reachable === false) return next;
  sooner(listAt);
  for (const rest of room.rests.values()) later(rest.at);
  for (const image of room.images.values()) {
    if (image.present === false) later(image.askedAt + IMAGE_LOOK_MS);
  }
  for (const unit of room.units.values()) {
    later(unit.restartAt);
    later(unit.refusedUntil);
    later(unit.sampleAfter);
    if (unit.watch !== null && !unit.probing) later(unit.watch.nextProbeAt);
  }
  return next;
}
