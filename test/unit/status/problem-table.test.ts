import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROBLEM_TABLE } from '../../../src/status/problem-table.ts';

const FOLDER = join(import.meta.dirname, '../../../src/status/problems');

test('every row of every subject is in the table, and no code stands in two subjects', async () => {
  const files = (await readdir(FOLDER)).filter((file) => file !== 'row.ts');
  const subjects = await Promise.all(
    files.map(async (file): Promise<Record<string, Record<string, object>>> => import(join(FOLDER, file))),
  );
  const codes = subjects.flatMap((subject) => Object.values(subject).flatMap((rows) => Object.keys(rows)));
  expect([...codes, 'unknown_failure'].sort()).toEqual(Object.keys(PROBLEM_TABLE).sort());
});
