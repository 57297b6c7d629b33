import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { errorMessage } from '../lib/errors.ts';
import {
  type DatabaseAnswer,
  damageRows,
  type LookMode,
  provesDamage,
  storedTime,
} from './database-answer.ts';
import { type DatabaseFiles, stampOf, statDatabase, usesWal } from './database-file.ts';

/** How long a lock of Open WebUI is waited for. */
const BUSY_TIMEOUT_MS = 2000;

/** Enough rows of quick_check to tell damage from broken constraints. */
const CHECK_ROWS = 100;

/** Rows of damage that are shown. */
const SHOWN_ROWS = 3;

/**
 * Without an index the time of the last message costs a pass over all chats (it stands behind them in every row), so in
 * larger files than this it stays unknown.
 */
const SCAN_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Looks into a chat database that Open WebUI may have open: reads only, never the content, and leaves no file behind that
 * was not there. Blocks while SQLite works: run it in a process of its own. Never rejects.
 */
export async function readDatabase(path: string, mode: LookMode): Promise<DatabaseAnswer> {
  try {
    const files = await statDatabase(path);
    // SQLite makes the file empty and fills it with the first table.
    if (files.file === null || (files.file.isFile() && files.file.size === 0)) return { kind: 'missing' };
    if (!files.file.isFile()) return { kind: 'inconclusive', detail: 'it is not a regular file' };
    const access = await chooseAccess(path, files);
    if (access === 'none') {
      return { kind: 'inconclusive', detail: 'its -shm file is missing and is not ours to create' };
    }
    const answer = query(path, access, mode, files.file.size);
    // Without locks a writer that began meanwhile looks like damage.
    if (access === 'immutable' && answer.kind === 'damaged' && (await changedSince(path, files))) {
      return { kind: 'inconclusive', detail: 'it was written to during the check' };
    }
    return answer;
  } catch (error) {
    return { kind: 'inconclusive', detail: errorMessage(error) };
  }
}

/**
 * `immutable`: a WAL database that nobody has open: opened in the ordinary way SQLite would leave -wal and -shm beside it.
 * `shared`: the ordinary way, with locks. `none`: SQLite would have to create -shm under our name.
 */
async function chooseAccess(path: string, files: DatabaseFiles): Promise<'immutable' | 'shared' | 'none'> {
  if (files.sharedMemory !== null || !(await usesWal(path))) return 'shared';
  if (files.wal === null) return 'immutable';
  // As root SQLite gives the new file the owner of the database, where it may.
  const uid = process.geteuid?.() ?? 0;
  return uid === files.file?.uid || (uid === 0 && (await mayChangeOwners())) ? 'shared' : 'none';
}

/** Whether this process has CAP_CHOWN, bit 0 of its effective capabilities (capabilities(7)); the unit takes it away. */
async function mayChangeOwners(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & 1n) === 1n;
}

async function changedSince(path: string, before: DatabaseFiles): Promise<boolean> {
  const now = await statDatabase(path);
  return now.sharedMemory !== null || stampOf(now) !== stampOf(before);
}

function query(path: string, access: 'immutable' | 'shared', mode: LookMode, size: number): DatabaseAnswer {
  let database: DatabaseSync | null = null;
  try {
    const url = pathToFileURL(path);
    if (access === 'immutable') url.searchParams.set('immutable', '1');
    database = new DatabaseSync(url, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    database.exec('PRAGMA query_only = ON');
    if (mode === 'check') {
      const rows = database.prepare(`PRAGMA quick_check(${CHECK_ROWS})`).all();
      const damage = damageRows(rows.map((row) => String(row['quick_check'])));
      if (damage.length > 0) return { kind: 'damaged', detail: damage.slice(0, SHOWN_ROWS).join('; ') };
    }
    return { kind: 'fine', ...countChats(database, size) };
  } catch (error) {
    return { kind: provesDamage(error) ? 'damaged' : 'inconclusive', detail: errorMessage(error) };
  } finally {
    database?.close();
  }
}

function countChats(database: DatabaseSync, size: number) {
  const columns = database.prepare("SELECT name FROM pragma_table_info('chat')").all();
  if (columns.length === 0) return { sessionCount: null, lastMessageAt: null };
  const sessionCount = Number(database.prepare('SELECT count(*) AS n FROM chat').get()?.['n']);
  const dated = columns.some((column) => column['name'] === 'updated_at');
  if (!dated || (size > SCAN_LIMIT_BYTES && !hasTimeIndex(database))) {
    return { sessionCount, lastMessageAt: null };
  }
  const latest = database.prepare('SELECT max(updated_at) AS latest FROM chat');
  // Nanoseconds do not fit into a number; node:sqlite would throw.
  latest.setReadBigInts(true);
  return { sessionCount, lastMessageAt: storedTime(latest.get()?.['latest']) };
}

function hasTimeIndex(database: DatabaseSync): boolean {
  return (
    database
      .prepare(
        "SELECT 1 FROM pragma_index_list('chat') AS list, pragma_index_info(list.name) AS part WHERE part.seqno = 0 AND part.name = 'updated_at'",
      )
      .get() !== undefined
  );
}
