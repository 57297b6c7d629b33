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

/** No size or length of a model is larger; products of several are still counted well. */
const LARGEST_NUMBER = 1e9;

/** A number from 0 to 1e9; a hub's file may say anything, and what is larger is no size of a model. */
export function number(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= LARGEST_NUMBER ? value : null;
}

/** A number above 0, or null. */
export function positive(value: unknown): number | null {
  const found = number(value);
  return found === null || found === 0 ? null : found;
}
