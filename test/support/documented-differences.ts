import { readFileSync } from 'node:fs';

/** The heading in docs/compose.md under which the fields stand that are not as docker compose makes them. */
const HEADING = '## What is different in the container';

/** A row of that table. */
export interface DocumentedDifference {
  /** `Config.Labels["x"]` of a container, or with `network:` or `volume:` before it. */
  field: string;
  why: string;
}

/** The table of docs/compose.md, so that the page and the test cannot come apart. */
export function documentedDifferences(): DocumentedDifference[] {
  const page = readFileSync(new URL('../../docs/compose.md', import.meta.url), 'utf8');
  const start = page.indexOf(HEADING);
  if (start < 0) throw new Error(`docs/compose.md has no heading "${HEADING}"`);
  const section = page.slice(start + HEADING.length).split('\n## ')[0] ?? '';
  return section.split('\n').flatMap((line) => {
    const row = /^\| `([^`]+)` \|.*\| ([^|]+) \|$/.exec(line);
    return row === null ? [] : [{ field: row[1] ?? '', why: (row[2] ?? '').trim() }];
  });
}
