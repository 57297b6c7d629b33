import type { HubFile } from '../types.ts';
import { addRange, type RangeSet } from './ranges.ts';

/** Form of the journal; a journal of another form counts as none. */
const FORM = 'ai-sandbox-parts-2';

/**
 * The journal of a partial file says which of its bytes survive a power cut. It is text: a first line that names the
 * blob, then a line `FROM TO` for each claim, appended after the bytes were synced. So a claim is never ahead of its
 * bytes, and a claim that is lost or torn only means that its bytes are fetched again.
 */
export function journalText(file: Pick<HubFile, 'etag' | 'sizeBytes'>, claims: RangeSet): string {
  return `${FORM} ${file.etag} ${file.sizeBytes}\n${claimLines(claims)}`;
}

/** The lines of further claims, to be appended. */
export function claimLines(claims: RangeSet): string {
  return claims.map(({ from, to }) => `${from} ${to}\n`).join('');
}

/**
 * The bytes that a journal claims of a file; none for any doubt about its first line, and nothing from the first line
 * on that is not a whole claim (the end of an interrupted write).
 */
export function readClaims(text: string, file: Pick<HubFile, 'etag' | 'sizeBytes'>): RangeSet {
  const lines = text.split('\n');
  // Without a line feed at its end the last line may be half of a longer one.
  lines.pop();
  if (lines.shift() !== `${FORM} ${file.etag} ${file.sizeBytes}`) return [];
  let claims: RangeSet = [];
  for (const line of lines) {
    const match = /^(\d{1,15}) (\d{1,15})$/.exec(line);
    const from = Number(match?.[1]);
    const to = Number(match?.[2]);
    if (match === null || from >= to || to > file.sizeBytes) return claims;
    claims = addRange(claims, { from, to });
  }
  return claims;
}
