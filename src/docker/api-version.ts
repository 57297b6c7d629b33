import { asRecord, asText } from './json-reader.ts';

/** The newest version of the engine's API that this room's readers were written for (Docker 27). */
const NEWEST_KNOWN_API = '1.47';

/** The API version to speak, and what the engine says of itself. */
export interface NegotiatedVersion {
  /** Spoken: stands in every path as `/v1.41`. */
  spoken: string;
  engineVersion: string;
  /** Newest the engine speaks. */
  newest: string;
}

/**
 * Chooses the API version from the answer of an unversioned `GET /version`: the engine's newest, at most
 * {@link NEWEST_KNOWN_API}, at least the engine's oldest. No fixed number fits all engines: 20.10 speaks up to 1.41,
 * 29 nothing below 1.44. An answer without versions gives null.
 */
export function negotiateVersion(answer: unknown): NegotiatedVersion | null {
  const fields = asRecord(answer);
  const newest = asText(fields['ApiVersion']);
  if (!isVersion(newest)) return null;
  const oldest = asText(fields['MinAPIVersion']);
  let spoken = compareVersions(newest, NEWEST_KNOWN_API) <= 0 ? newest : NEWEST_KNOWN_API;
  if (isVersion(oldest) && compareVersions(spoken, oldest) < 0) spoken = oldest;
  return { spoken, engineVersion: asText(fields['Version'], 'unknown'), newest };
}

/** Negative, zero or positive, as the first version is older, the same or newer; 1.9 is older than 1.41. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

function isVersion(text: string): boolean {
  return /^\d{1,4}\.\d{1,4}$/.test(text);
}
