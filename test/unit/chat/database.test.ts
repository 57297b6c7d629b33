import { chown, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDatabaseLook, defaultEntry } from '../../../src/chat/database.ts';
import { readDatabase } from '../../../src/chat/database-reader.ts';
import { systemClock } from '../../../src/lib/clock.ts';

let directory: string;
let path: string;
let opened: DatabaseSync[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chats #1 100% '));
  path = join(directory, 'webui.db');
});
afterEach(async () => {
  for (const database of opened) if (database.isOpen) database.close();
  opened = [];
  await rm(directory, { recursive: true, force: true });
});

const SCHEMA = 'CREATE TABLE chat (id TEXT PRIMARY KEY, title TEXT NOT NULL, chat JSON, updated_at BIGINT)';

/** A database as Open WebUI makes it, still open. */
function openChats(rows = 3, journal = 'WAL', schema = SCHEMA): DatabaseSync {
  const database = new DatabaseSync(path);
  opened.push(database);
  database.exec(`PRAGMA journal_mode = ${journal}; ${schema}`);
  for (let at = 0; at < rows; at += 1) addChat(database, at);
  return database;
}

function addChat(database: DatabaseSync, at: number): void {
  database
    .prepare('INSERT INTO chat (id, title, chat, updated_at) VALUES (?, ?, ?, ?)')
    .run(`c${at}`, 'private title', 'private words '.repeat(200), 1_700_000_000 + at);
}

async function overwrite(at: number, bytes: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(bytes, 0xa5), 0, bytes, at);
  await file.close();
}

const THREE = { kind: 'fine', sessionCount: 3, lastMessageAt: '2023-11-14T22:13:22Z' };

describe('readDatabase', () => {
  test.each(['WAL', 'DELETE'])(
    'counts the chats of a closed database (journal %s) and leaves no file',
    async (journal) => {
      openChats(3, journal).close();
      expect(await readDatabase(path, 'check')).toEqual(THREE);
      expect(await readdir(directory)).toEqual(['webui.db']);
    },
  );

  test('reads what a writer that has the database open has just written', async () => {
    const writer = openChats();
    writer.exec('PRAGMA wal_autocheckpoint = 0');
    addChat(writer, 10);
    expect(await readDatabase(path, 'check')).toMatchObject({ sessionCount: 4 });
  });

  test('does not wait for a writer in the middle of a transaction, nor hold it up', async () => {
    const writer = openChats();
    writer.exec('BEGIN IMMEDIATE');
    addChat(writer, 10);
    expect(await readDatabase(path, 'check')).toEqual(THREE);
    addChat(writer, 11);
    writer.exec('COMMIT');
    expect(await readDatabase(path, 'count')).toMatchObject({ sessionCount: 5 });
  });

  test('reads a database whose container was killed, by its leftover files', async () => {
    openChats();
    const copy = join(directory, 'copy');
    await mkdir(copy);
    for (const end of ['', '-wal']) {
      await writeFile(join(copy, `webui.db${end}`), await readFile(path + end));
    }
    await chown(copy, 1234, 1234);
    await chown(join(copy, 'webui.db'), 1234, 1234);
    expect(await readDatabase(join(copy, 'webui.db'), 'check')).toEqual(THREE);
    expect((await stat(join(copy, 'webui.db-shm'))).uid).toBe(1234);
  });

  test.each([
    ['no file', async () => undefined],
    ['an empty file', () => writeFile(path, '')],
  ])('takes %s for a first start', async (_what, make) => {
    await make();
    expect(await readDatabase(path, 'check')).toEqual({ kind: 'missing' });
  });

  test('is content with a version that has no table of chats', async () => {
    openChats(0, 'WAL', 'CREATE TABLE user (id TEXT)').close();
    expect(await readDatabase(path, 'check')).toEqual({
      kind: 'fine',
      sessionCount: null,
      lastMessageAt: null,
    });
  });

  test('is content with a version whose chats have no such time', async () => {
    openChats(0, 'WAL', 'CREATE TABLE chat (id TEXT)').close();
    expect(await readDatabase(path, 'count')).toEqual({ kind: 'fine', sessionCount: 0, lastMessageAt: null });
  });

  test('reads times in nanoseconds', async () => {
    const database = openChats();
    database.exec('UPDATE chat SET updated_at = updated_at * 1000000000');
    expect(await readDatabase(path, 'count')).toEqual(THREE);
  });

  test('calls a file damaged that is no database', async () => {
    await writeFile(path, 'not a database at all'.repeat(100));
    expect(await readDatabase(path, 'check')).toMatchObject({ kind: 'damaged' });
  });

  test('calls a file damaged whose pages are overwritten', async () => {
    openChats(200).close();
    await overwrite(4096 * 8, 4096 * 20);
    expect(await readDatabase(path, 'check')).toMatchObject({ kind: 'damaged' });
  });

  test('calls a file damaged that was cut', async () => {
    openChats(200).close();
    const file = await open(path, 'r+');
    await file.truncate(4096 * 20);
    await file.close();
    expect(await readDatabase(path, 'check')).toMatchObject({ kind: 'damaged' });
  });

  test('does not call a row damaged that breaks a constraint', async () => {
    const database = openChats(0, 'WAL', `${SCHEMA.slice(0, -1)}, CHECK (length(title) > 99))`);
    database.exec('PRAGMA ignore_check_constraints = ON');
    for (const at of [0, 1, 2]) addChat(database, at);
    database.close();
    expect(await readDatabase(path, 'check')).toEqual(THREE);
  });

  test('has no opinion while another has locked the file for itself', async () => {
    const other = openChats(3, 'DELETE');
    other.exec('BEGIN EXCLUSIVE');
    expect(await readDatabase(path, 'check')).toMatchObject({ kind: 'inconclusive' });
  });

  test('has no opinion about a directory in the place of the file', async () => {
    await mkdir(path);
    expect(await readDatabase(path, 'check')).toMatchObject({ kind: 'inconclusive' });
  });
});

describe('createDatabaseLook', () => {
  test('answers from a process of its own', async () => {
    openChats();
    expect(await createDatabaseLook({ clock: systemClock })(path, 'check')).toEqual(THREE);
  });

  test('never shows the content of a chat', async () => {
    openChats(200).close();
    await overwrite(4096 * 8, 4096 * 20);
    const answer = await createDatabaseLook({ clock: systemClock })(path, 'check');
    expect(JSON.stringify(answer)).not.toContain('private');
  });

  const SLEEPER = 'setInterval(() => {}, 1000)';
  test.each([
    ['does not end in time', SLEEPER, 'did not answer within 0.3 s'],
    ['fails', 'process.exit(3)', 'Command failed'],
    ['talks nonsense', 'console.log("{}")', 'no valid answer'],
    ['prints no JSON', 'console.log("hello")', 'JSON'],
  ])('has no opinion when the reader %s', async (_what, program, detail) => {
    const entry = join(directory, 'reader.mjs');
    await writeFile(entry, program);
    const limitMs = program === SLEEPER ? 300 : 9000;
    const answer = await createDatabaseLook({ clock: systemClock, entry, limitMs })(path, 'check');
    expect(answer).toEqual({ kind: 'inconclusive', detail: expect.stringContaining(detail) });
  });

  test('ends with its signal', async () => {
    const entry = join(directory, 'reader.mjs');
    await writeFile(entry, SLEEPER);
    const stop = new AbortController();
    const answer = createDatabaseLook({ clock: systemClock, entry })(path, 'check', stop.signal);
    stop.abort(new Error('stopping'));
    expect(await answer).toEqual({ kind: 'inconclusive', detail: 'stopping' });
  });

  test('does not hand the secrets of the daemon to the reader', async () => {
    const entry = join(directory, 'reader.mjs');
    await writeFile(
      entry,
      `console.log(JSON.stringify({kind: 'inconclusive', detail: Object.keys(process.env).join()}))`,
    );
    expect(await createDatabaseLook({ clock: systemClock, entry })(path, 'check')).toMatchObject({
      detail: '',
    });
  });

  test.each([
    ['file:///srv/src/chat/database.ts', '/srv/src/chat/database-reader-main.ts'],
    ['file:///usr/lib/ai-sandbox/main.mjs', '/usr/lib/ai-sandbox/chat-database-reader.mjs'],
  ])('finds its program beside %s', (url, expected) => {
    expect(defaultEntry(url)).toBe(expected);
  });
});
