import { toTimestamp } from '../lib/clock.ts';

/**
 * What a look into the chat database gave. `missing`: Open WebUI has not made it yet. `inconclusive`: busy, too slow or
 * not readable just now; says nothing about the file.
 */
export type DatabaseAnswer =
  | { kind: 'missing' }
  | {
      kind: 'fine';
      /** Rows of the table of chats; null where an older or newer version has no such table. */
      sessionCount: number | null;
      /** RFC 3339; null without chats, or where it cannot be had without reading the chats. */
      lastMessageAt: string | null;
    }
  | { kind: 'damaged'; detail: string }
  | { kind: 'inconclusive'; detail: string };

/** `check`: the whole file by `PRAGMA quick_check`, then the counts. `count`: the counts only. */
export type LookMode = 'check' | 'count';

/** Primary result codes of SQLite that mean a damaged file: SQLITE_CORRUPT and SQLITE_NOTADB (sqlite.org/rescode.html). */
const DAMAGE_CODES: readonly number[] = [11, 26];

/** Whether an error of node:sqlite proves a damaged file; extended codes carry the primary one in their low byte. */
export function provesDamage(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return false;
  return typeof error.errcode === 'number' && DAMAGE_CODES.includes(error.errcode & 0xff);
}

/**
 * Rows of quick_check about values that break a constraint (sqlite.org/pragma.html#pragma_integrity_check). Migrations
 * leave such rows behind in sound files.
 */
const CONSTRAINT_ROW = /^(?:NULL value in |CHECK constraint failed in |non-\S+ value in |\S+ value in )/;

/** The rows of quick_check that speak of damage; empty for a sound file. */
export function damageRows(rows: readonly string[]): string[] {
  return rows.filter((row) => row !== 'ok' && !CONSTRAINT_ROW.test(row));
}

/** From 1e11 on a number cannot be seconds (year 5138): each factor of 1000 is a finer unit, down to nanoseconds. */
const LARGEST_SECONDS = 1e11;

/**
 * A time as Open WebUI's versions have stored it (seconds or nanoseconds since 1970, text in its first ones) as RFC 3339;
 * null for what is no time.
 */
export function storedTime(value: unknown): string | null {
  if (typeof value === 'string') {
    const text = /[zZ]|[+-]\d\d:?\d\d$/.test(value) ? value : `${value.replace(' ', 'T')}Z`;
    return dated(Date.parse(text));
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') return null;
  let seconds = Number(value);
  if (!Number.isFinite(seconds)) return null;
  while (seconds >= LARGEST_SECONDS) seconds /= 1000;
  return seconds > 0 ? dated(seconds * 1000) : null;
}

function dated(milliseconds: number): string | null {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? null : toTimestamp(date);
}
