const BYTE_UNITS: Record<string, number> = { b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/**
 * Bytes of `64`, `64k`, `1.5gb`, `2GiB`: every unit is a power of 1024, as in the compose specification.
 * Null where the text is no size.
 */
export function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) return null;
  const [, digits = '', unit = ''] = match;
  const power = BYTE_UNITS[unit.toLowerCase() || 'b'] ?? 0;
  const bytes = Math.floor(Number(digits) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

const DURATION_UNITS_MS: Record<string, number> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `1m30s`, `500ms`, `2.5h`: numbers with units, as in the compose specification. Null otherwise. */
export function parseDuration(text: string): number | null {
  if (text.trim() === '0') return 0;
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)/gy)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) return null;
  let total = 0;
  for (const [, digits = '', unit = ''] of parts) total += Number(digits) * (DURATION_UNITS_MS[unit] ?? 0);
  return total;
}
