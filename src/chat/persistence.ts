import { formatBytes } from '../lib/human.ts';
import type { Finding } from '../status/problem.ts';
import type { ChatView, PersistenceState } from '../status/schema.ts';
import type { DatabaseAnswer } from './database-answer.ts';
import type { DirectoryFacts } from './directory.ts';

/** Where Open WebUI keeps everything, inside its container. */
export const CHAT_TARGET = '/app/backend/data';

/** Name of Open WebUI's database in that directory. */
export const CHAT_DATABASE = 'webui.db';

/** With less than this SQLite cannot complete a checkpoint and a chat of some length any more. */
const MINIMUM_FREE_BYTES = 100 * 1000 * 1000;

/** What is mounted at the data directory, from inspect. */
export interface ChatMount {
  mounted: boolean;
  /** Host path of the data directory; null when nothing is mounted there. */
  path: string | null;
  writable: boolean;
}

/** Everything the state of the chats is derived from; null = not known yet. */
export interface ChatFacts {
  mount: ChatMount | null;
  directory: DirectoryFacts | null;
  /** The last answer that said something. */
  database: Exclude<DatabaseAnswer, { kind: 'inconclusive' }> | null;
  sizeBytes: number | null;
  /** The page has been ready since before the database was looked for, so that it has one somewhere. */
  pageReady: boolean;
}

/** A volume without a name: the engine makes a new one for every new container. */
const ANONYMOUS_VOLUME = /\/volumes\/[0-9a-f]{64}\/_data(?:\/|$)/;

/**
 * Finds the mount of the data directory: the one at it or closest above it. A tmpfs has no source and an anonymous volume
 * does not survive its container, so neither counts.
 */
export function chatMountOf(
  mounts: readonly { source: string; target: string; writable: boolean }[],
  target: string = CHAT_TARGET,
): ChatMount {
  const covering = mounts
    .filter((mount) => mount.target === target || target.startsWith(`${mount.target.replace(/\/+$/, '')}/`))
    .sort((a, b) => b.target.length - a.target.length)[0];
  if (covering === undefined || covering.source === '' || ANONYMOUS_VOLUME.test(covering.source)) {
    return { mounted: false, path: null, writable: false };
  }
  const below = target.slice(covering.target.replace(/\/+$/, '').length);
  return { mounted: true, path: `${covering.source}${below}`, writable: covering.writable };
}

/**
 * Derives the state of the chats. volatile: they do not survive a new container, or cannot be kept at all; corrupted: only
 * a damaged file; persisted: mounted, writable, with space, and the database sound (or not made yet);
 * null: not known yet, or kept somewhere that cannot be watched.
 */
export function assessChats(facts: ChatFacts): { state: PersistenceState | null; finding: Finding | null } {
  const { mount, directory, database } = facts;
  if (mount === null) return { state: null, finding: null };
  if (!mount.mounted || mount.path === null) {
    const detail = `nothing that lasts is mounted at ${CHAT_TARGET}`;
    return { state: 'volatile', finding: { code: 'chat_not_mounted', detail } };
  }
  if (database?.kind === 'damaged') {
    const detail = `${mount.path}/${CHAT_DATABASE}: ${database.detail}`;
    return { state: 'corrupted', finding: { code: 'chat_database_corrupt', detail } };
  }
  const notWritable = mount.writable ? (directory?.notWritable ?? null) : 'it is mounted read-only';
  if (notWritable !== null) {
    const detail = `${mount.path}: ${notWritable}`;
    return { state: 'volatile', finding: { code: 'chat_directory_not_writable', detail } };
  }
  const bytesFree = directory?.bytesFree ?? null;
  if (bytesFree !== null && bytesFree < MINIMUM_FREE_BYTES) {
    const detail = `${mount.path}: ${formatBytes(bytesFree)} left, new chats need ${formatBytes(MINIMUM_FREE_BYTES)}`;
    return { state: 'volatile', finding: { code: 'disk_full', detail } };
  }
  if (database?.kind === 'missing' && facts.pageReady) {
    const detail = `the page is ready, but there is no ${mount.path}/${CHAT_DATABASE}`;
    return { state: null, finding: { code: 'chat_database_elsewhere', detail } };
  }
  return { state: directory === null || database === null ? null : 'persisted', finding: null };
}

/** The chats as /status shows them. */
export function chatView(facts: ChatFacts, problem: ChatView['problem']): ChatView {
  const { database } = facts;
  const counted = database?.kind === 'fine' ? database : null;
  return {
    persistence_state: assessChats(facts).state,
    path: facts.mount?.path ?? null,
    size_bytes: facts.sizeBytes,
    session_count: database?.kind === 'missing' && !facts.pageReady ? 0 : (counted?.sessionCount ?? null),
    last_message_at: counted?.lastMessageAt ?? null,
    problem,
  };
}
