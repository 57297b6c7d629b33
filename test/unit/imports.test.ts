import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCES = join(import.meta.dirname, '../../src');

/**
 * Which rooms a room may import, besides itself and `lib`: the arrows of docs/architecture.md. `main.ts`, `daemon.ts` and
 * `wiring` know all rooms.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  compose: [],
  'settings-table.ts': [],
  'settings.ts': ['settings-table.ts'],
  'version.ts': [],
  'launch-main.ts': [],
  status: [],
  host: ['status'],
  chat: ['status'],
  model: ['status'],
  api: ['status'],
  deployment: ['status'],
  docker: ['status', 'compose'],
  diagnosis: ['status', 'host'],
  services: ['status', 'compose', 'docker', 'diagnosis'],
  cli: ['status', 'compose', 'diagnosis', 'model', 'settings.ts', 'version.ts'],
  'settings-reload.ts': ['host', 'settings.ts', 'settings-table.ts'],
};

/** Types alone may also go this way: `status` puts the snapshots of two rooms together. */
const MAY_IMPORT_TYPES: readonly string[] = ['status -> model', 'status -> services'];

/** Files that stand for a whole program of their own, or for a part of the wiring, and import one thing more. */
const EXCEPTIONS: readonly string[] = [
  'cli/model-shelf.ts -> wiring/engine-options.ts',
  'deployment/stop-stamp-main.ts -> settings-table.ts',
];

/** The only file, or folder with a slash, that imports these packages. */
const PACKAGES: Readonly<Record<string, string>> = {
  dockerode: 'docker/',
  fastify: 'api/',
  'node-cron': 'chat/',
  yaml: 'compose/',
};

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const statements = files.flatMap((file): Import[] => {
  const text = readFileSync(join(SOURCES, file), 'utf8');
  const found = text.matchAll(/^(?:import|export) (type )?[^;]*?from '([^']+)'|\bimport\('([^']+)'\)/gm);
  return [...found].map(([, type, from, dynamic]) => ({
    from: file,
    to: from ?? dynamic ?? '',
    typeOnly: type !== undefined,
  }));
});
const inside = statements
  .filter(({ to }) => to.startsWith('.'))
  .map((found) => ({ ...found, to: join(dirname(found.from), found.to) }));
const roomOf = (file: string) => file.split('/', 1)[0] ?? file;

describe('imports', () => {
  it('go from a room only to those it may know', () => {
    const wrong = inside.filter(({ from, to, typeOnly }) => {
      const [room, other] = [roomOf(from), roomOf(to)];
      const allowed = MAY_IMPORT[room];
      if (allowed === undefined || room === other || other === 'lib' || allowed.includes(other)) return false;
      if (typeOnly && MAY_IMPORT_TYPES.includes(`${room} -> ${other}`)) return false;
      return !EXCEPTIONS.includes(`${from} -> ${to}`);
    });
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('are ruled for every room', () => {
    const rooms = new Set(files.map(roomOf));
    for (const known of ['main.ts', 'daemon.ts', 'wiring']) rooms.delete(known);
    expect([...rooms].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  it('have no exception that is not needed', () => {
    const there = inside.map(({ from, to }) => `${from} -> ${to}`);
    expect(EXCEPTIONS.filter((exception) => !there.includes(exception))).toEqual([]);
  });

  it('of a package stand in one room', () => {
    const wrong = statements.filter(({ from, to }) => {
      const room = PACKAGES[to];
      return room !== undefined && !from.startsWith(room);
    });
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('name the address of the hub nowhere but in its room and in the settings', () => {
    const wrong = files.filter(
      (file) =>
        !/^(model\/|settings-table\.ts$|status\/problems\/|diagnosis\/)/.test(file) &&
        /huggingface\.co/.test(readFileSync(join(SOURCES, file), 'utf8')),
    );
    expect(wrong).toEqual([]);
  });
});
