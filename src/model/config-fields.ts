/** The fields of a file that others wrote; nothing in it is certain. */
export type Fields = Readonly<Record<string, unknown>>;

/** The object that a JSON text is, or null. */
export function parseObject(text: string): Fields | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** True for an object that is no list. */
export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text, or null. */
export function string(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** The texts in a list. */
export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** A whole number that is not negative; a hub's file may say anything. */
export function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** A number above 0, or null. */
export function positive(value: unknown): number | null {
  const found = number(value);
  return found === null || found === 0 ? null : found;
}
