import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Tables and columns of Open WebUI 0.12 that anybody outside reads; times are Unix seconds. */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE IF NOT EXISTS config (key VARCHAR NOT NULL PRIMARY KEY, value JSON, updated_at BIGINT);
CREATE TABLE IF NOT EXISTS "user" (
  id VARCHAR NOT NULL PRIMARY KEY, email VARCHAR UNIQUE, username VARCHAR(50), role VARCHAR, name VARCHAR NOT NULL,
  profile_image_url TEXT, info JSON, settings JSON, last_active_at BIGINT, updated_at BIGINT, created_at BIGINT
);
CREATE TABLE IF NOT EXISTS auth (
  id VARCHAR NOT NULL PRIMARY KEY, email VARCHAR, password TEXT, active BOOLEAN, mfa JSON, session_stamp TEXT
);
CREATE TABLE IF NOT EXISTS chat (
  id VARCHAR NOT NULL PRIMARY KEY, user_id VARCHAR, title TEXT, chat JSON, created_at BIGINT, updated_at BIGINT,
  share_id TEXT UNIQUE, archived BOOLEAN, pinned BOOLEAN, meta JSON DEFAULT '{}', variables JSON, folder_id TEXT,
  tasks JSON, summary TEXT, current_message_id TEXT, last_read_at BIGINT, timer_at BIGINT
);
CREATE TABLE IF NOT EXISTS chat_message (
  id TEXT NOT NULL PRIMARY KEY, chat_id TEXT NOT NULL REFERENCES chat (id) ON DELETE CASCADE, user_id TEXT,
  role TEXT NOT NULL, parent_id TEXT, content JSON, output JSON, model_id TEXT, files JSON, sources JSON, embeds JSON,
  meta JSON, done BOOLEAN, status_history JSON, error JSON, usage JSON, context_summary TEXT,
  created_at BIGINT, updated_at BIGINT
);
CREATE INDEX IF NOT EXISTS ix_chat_updated_at ON chat (updated_at);
`;
/** A revision this stand-in knows, as alembic writes it. */
const REVISION = '018012973d35';
const HASH_BYTES = 32;

export interface User {
  id: string;
  email: string;
  name: string;
  role: string;
}

/** A chat as the API shows it. */
export interface Chat {
  id: string;
  user_id: string;
  title: string;
  chat: Record<string, unknown>;
  created_at: number;
  updated_at: number;
  archived: boolean;
  pinned: boolean;
  meta: Record<string, unknown>;
}

const now = (): number => Math.floor(Date.now() / 1000);

/** The database `webui.db`, opened as Open WebUI opens it: WAL, synchronous NORMAL, 5 s busy timeout. */
export class Database {
  readonly #db: DatabaseSync;

  /** Throws with SQLite's own words when the file cannot be used. */
  constructor(dataDirectory: string) {
    if (!existsSync(dataDirectory)) mkdirSync(dataDirectory, { recursive: true });
    this.#db = new DatabaseSync(join(dataDirectory, 'webui.db'), { timeout: 5000 });
    this.#db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;');
    this.#db.exec(SCHEMA);
    this.#db.prepare('INSERT OR IGNORE INTO alembic_version VALUES (?)').run(REVISION);
  }

  ping(): void {
    this.#db.prepare('SELECT 1').get();
  }

  /** A setting: the first start's environment is kept, later values are ignored unless `persistent` is false. */
  setting(key: string, fromEnvironment: string, persistent: boolean): string {
    if (!persistent) return fromEnvironment;
    const row = this.#db.prepare('SELECT value FROM config WHERE key = ?').get(key);
    if (row !== undefined) return String(JSON.parse(String(row['value'])));
    this.#db.prepare('INSERT INTO config VALUES (?, ?, ?)').run(key, JSON.stringify(fromEnvironment), now());
    return fromEnvironment;
  }

  get hasUsers(): boolean {
    return this.#db.prepare('SELECT 1 FROM "user" LIMIT 1').get() !== undefined;
  }

  /** Creates an account; the first one is the admin. */
  addUser(email: string, password: string, name: string): User {
    const user: User = {
      id: randomUUID(),
      email: email.toLowerCase(),
      name,
      role: this.hasUsers ? 'pending' : 'admin',
    };
    const salt = randomBytes(16);
    const hash = `scrypt$${salt.toString('hex')}$${scryptSync(password, salt, HASH_BYTES).toString('hex')}`;
    this.#db
      .prepare(
        'INSERT INTO "user" (id, email, role, name, profile_image_url, last_active_at, updated_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(user.id, user.email, user.role, user.name, '/user.png', now(), now(), now());
    this.#db
      .prepare('INSERT INTO auth (id, email, password, active) VALUES (?, ?, ?, 1)')
      .run(user.id, user.email, hash);
    return user;
  }

  userById(id: string): User | null {
    const row = this.#db.prepare('SELECT id, email, name, role FROM "user" WHERE id = ?').get(id);
    return row === undefined ? null : (row as unknown as User);
  }

  /** The account of an e-mail address and its password, or null. */
  authenticate(email: string, password: string): User | null {
    const row = this.#db
      .prepare('SELECT id, password FROM auth WHERE email = ? AND active')
      .get(email.toLowerCase());
    const [, salt, hash] = String(row?.['password'] ?? '').split('$');
    if (row === undefined || salt === undefined || hash === undefined) return null;
    const given = scryptSync(password, Buffer.from(salt, 'hex'), HASH_BYTES);
    return timingSafeEqual(given, Buffer.from(hash, 'hex')) ? this.userById(String(row['id'])) : null;
  }

  /** Writes a new chat and its messages; throws with SQLite's words when the disk is full. */
  addChat(userId: string, chat: Record<string, unknown>): Chat {
    const id = randomUUID();
    const title = typeof chat['title'] === 'string' ? chat['title'] : 'New Chat';
    this.#db
      .prepare(
        'INSERT INTO chat (id, user_id, title, chat, created_at, updated_at, archived, pinned, meta, last_read_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?)',
      )
      .run(id, userId, title, JSON.stringify(chat), now(), now(), '{}', now());
    for (const message of messagesOf(chat)) {
      this.#db
        .prepare(
          'INSERT OR REPLACE INTO chat_message (id, chat_id, user_id, role, content, model_id, done, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)',
        )
        .run(
          `${id}-${message.id}`,
          id,
          userId,
          message.role,
          JSON.stringify(message.content),
          message.model,
          now(),
          now(),
        );
    }
    return this.chatById(userId, id) as Chat;
  }

  /** Newest first. */
  chats(userId: string): Chat[] {
    return this.#db
      .prepare('SELECT * FROM chat WHERE user_id = ? AND NOT archived ORDER BY updated_at DESC')
      .all(userId)
      .map(toChat);
  }

  chatById(userId: string, id: string): Chat | null {
    const row = this.#db.prepare('SELECT * FROM chat WHERE user_id = ? AND id = ?').get(userId, id);
    return row === undefined ? null : toChat(row);
  }

  close(): void {
    this.#db.close();
  }
}

interface Message {
  id: string;
  role: string;
  content: unknown;
  model: string | null;
}

/** Messages of a chat body, from `history.messages` (a map) or `messages` (a list). */
function messagesOf(chat: Record<string, unknown>): Message[] {
  const history = (chat['history'] as { messages?: Record<string, unknown> } | undefined)?.messages;
  const list =
    history === undefined ? ((chat['messages'] as unknown[] | undefined) ?? []) : Object.values(history);
  return list.flatMap((entry) => {
    const message = entry as Record<string, unknown>;
    if (typeof message['id'] !== 'string' || typeof message['role'] !== 'string') return [];
    return [
      {
        id: message['id'],
        role: message['role'],
        content: message['content'] ?? '',
        model: typeof message['model'] === 'string' ? message['model'] : null,
      },
    ];
  });
}

function toChat(row: Record<string, unknown>): Chat {
  return {
    id: String(row['id']),
    user_id: String(row['user_id']),
    title: String(row['title']),
    chat: JSON.parse(String(row['chat'])) as Record<string, unknown>,
    created_at: Number(row['created_at']),
    updated_at: Number(row['updated_at']),
    archived: Boolean(row['archived']),
    pinned: Boolean(row['pinned']),
    meta: {},
  };
}
