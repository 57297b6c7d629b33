import { type Static, Type } from 'typebox';
import { toTimestamp } from '../lib/clock.ts';

const nullableText = Type.Union([Type.String(), Type.Null()]);

export const MomentSchema = Type.Object(
  {
    /** Wall time, RFC 3339 in UTC. */
    at: Type.String(),
    /** Identity of the boot in which it was taken; null where the kernel tells none. */
    boot_id: nullableText,
    /** Seconds since that boot. */
    uptime_seconds: Type.Number(),
  },
  { additionalProperties: false },
);

/**
 * A moment that can be compared across restarts of the daemon and of the machine. Within one boot the difference is taken
 * from the boot clock, because a fresh machine sets its wall clock by hours when its first time server answers.
 */
export type Moment = Static<typeof MomentSchema>;

/** Seconds from `start` to `end`, never negative; by the boot clock within one boot, by wall time across boots. */
export function secondsBetween(start: Moment, end: Moment): number {
  const sameBoot = start.boot_id !== null && start.boot_id === end.boot_id;
  const seconds = sameBoot
    ? end.uptime_seconds - start.uptime_seconds
    : (Date.parse(end.at) - Date.parse(start.at)) / 1000;
  return Math.max(0, Math.round(seconds * 10) / 10);
}

const STAMP =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|\+00:00)(?:\s+([0-9a-f-]{36})\s+(\d+(?:\.\d+)?))?\s*$/;

/**
 * Reads the text of an installer's stamp: one line `TIME [BOOT_ID UPTIME_SECONDS]`, TIME in RFC 3339 UTC, the other two as
 * `/proc/sys/kernel/random/boot_id` and `/proc/uptime` give them. Returns null for anything else.
 */
export function parseStamp(text: string): Moment | null {
  const match = STAMP.exec(text);
  if (match === null || Number.isNaN(Date.parse(`${match[1]}Z`))) return null;
  return {
    at: `${match[1]}Z`,
    boot_id: match[2] ?? null,
    uptime_seconds: match[3] === undefined ? 0 : Number(match[3]),
  };
}

/** A moment from the fields `at`, `boot_id` and `uptime_seconds` of any object; null where its time is none. */
export function parseMoment(value: Readonly<Record<string, unknown>> | null): Moment | null {
  const { at, boot_id, uptime_seconds } = value ?? {};
  const time = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(time)) return null;
  const uptime = typeof uptime_seconds === 'number' && uptime_seconds >= 0 ? uptime_seconds : null;
  return {
    at: toTimestamp(new Date(time)),
    boot_id: typeof boot_id === 'string' && uptime !== null ? boot_id : null,
    uptime_seconds: uptime ?? 0,
  };
}
