import type { Signature } from '../types.ts';

const CHECKED =
  'Open WebUI 0.3.35, 0.5.20, 0.6.5, 0.8, 0.10.1 (internal/db.py, config.py, migrations), 0.12.4 really run; SQLite 3.34 to 3.46, SQLAlchemy 2.0, Alembic 1.13 to 1.16, peewee 3.17, psycopg 2.9 and 3.2';

/** What SQLAlchemy, peewee and bare sqlite3 put in front of the words of SQLite; kept out of the vector store's errors by `frames`. */
const SQLITE = String.raw`(?:sqlite3\.|peewee\.|database connection: |\(|: |^)`;
const sqlite = (words: string) => new RegExp(`${SQLITE}.{0,160}?(?:${words})`, 'i');

/** Not the caches of other programs (outlines in vLLM keeps one), which are SQLite files as well. */
const NOT_A_CACHE = /^(?![\s\S]*diskcache)/;

/** The chat database: SQLite beside the page, or a server. */
export const OPEN_WEBUI_DATABASE_SIGNATURES: readonly Signature[] = [
  {
    id: 'ui_db_newer',
    family: 'open-webui',
    code: 'chat_database_newer',
    symptom: "Can't locate revision identified by 'f0bd01a18a3d'",
    patterns: [/Can't locate revision identified by '(?<revision>[0-9a-zA-Z_]{1,40})'/],
    detail: ({ revision }) =>
      `the database has the form ${revision ?? 'of a newer version'}, which this version of Open WebUI does not know`,
    samples: [
      "alembic.util.exc.CommandError: Can't locate revision identified by '461111b60977'",
      "Error running migrations: Can't locate revision identified by 'f00dfeedcafe'",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_locked',
    family: 'open-webui',
    frames: NOT_A_CACHE,
    code: 'chat_database_locked',
    symptom: 'sqlite3.OperationalError: database is locked',
    patterns: [/database (?:table |schema )?is locked/, /locking protocol\b/],
    samples: [
      'sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database is locked',
      'Failed to initialize the database connection: database is locked',
      'peewee.OperationalError: database is locked',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_corrupt',
    family: 'open-webui',
    frames: NOT_A_CACHE,
    code: 'chat_database_corrupt',
    symptom: 'sqlite3.DatabaseError: database disk image is malformed',
    patterns: [
      /database disk image is malformed/,
      /malformed database schema/,
      /(?:DatabaseError|connection: |migrations: |\(sqlite3\.\w{1,30}\)).{0,40}file is not a database|^file is not a database/,
      /database corruption at line \d+/,
      /hmac check failed|file is encrypted or is not a database/,
    ],
    samples: [
      'sqlalchemy.exc.DatabaseError: (sqlite3.DatabaseError) database disk image is malformed',
      'DatabaseError: (sqlite3.DatabaseError) file is not a database',
      'sqlite3.DatabaseError: malformed database schema (ix_chat_user_id) - invalid rootpage',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_readonly',
    family: 'open-webui',
    frames: NOT_A_CACHE,
    code: 'chat_directory_not_writable',
    symptom: 'sqlite3.OperationalError: attempt to write a readonly database',
    patterns: [/attempt to write a read-?\s?only database/i],
    samples: [
      'sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) attempt to write a readonly database',
      'chromadb.errors.InternalError: Query error: Database error: error returned from database: (code: 1032) attempt to write a readonly database',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_open',
    family: 'open-webui',
    frames: NOT_A_CACHE,
    code: 'chat_directory_not_writable',
    symptom: 'sqlite3.OperationalError: unable to open database file',
    patterns: [
      /unable to open database file/,
      /(?:PermissionError|OSError|FileNotFoundError|NotADirectoryError|FileExistsError): \[Errno (?:1|2|13|17|20|21|30)\] [^:]{3,60}: '(?<path>\/app\/backend\/data[^']{0,200})'/,
      /(?:cannot|can't) (?:create|make|touch|open|remove|cd to).{0,20}'?(?<path>\/app\/backend\/data\S{0,200}): (?:Permission denied|Read-only file system)/,
    ],
    detail: ({ path }) =>
      path === undefined
        ? 'the database file cannot be opened or created'
        : `${path} cannot be opened or created`,
    remedy: () =>
      'Let the user of the container (root, unless user: is set) write the directory mounted at /app/backend/data: chown -R and chmod u+rwX it; it must not be mounted read-only.',
    samples: [
      'sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file',
      "PermissionError: [Errno 13] Permission denied: '/app/backend/data/uploads'",
      "OSError: [Errno 30] Read-only file system: '/app/backend/data/cache'",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_full',
    knownAs: 'disk',
    family: 'open-webui',
    frames: NOT_A_CACHE,
    code: 'disk_full',
    symptom: 'sqlite3.OperationalError: database or disk is full',
    patterns: [/database or disk is full/],
    samples: ['sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database or disk is full'],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_disk',
    family: 'open-webui',
    frames: NOT_A_CACHE,
    code: 'chat_disk_failed',
    symptom: 'sqlite3.OperationalError: disk I/O error',
    patterns: [sqlite('disk I/O error')],
    samples: ['sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) disk I/O error'],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_server',
    family: 'open-webui',
    code: 'chat_database_unreachable',
    symptom: 'connection to server at "postgres", port 5432 failed: Connection refused',
    patterns: [
      /connection to server (?:at|on) .{1,160}failed: (?<reason>.{3,120})/,
      // psycopg2 with a libpq before 14
      /\bcould not connect to server: (?<reason>.{3,120})/,
      /connection failed: (?:connection to server|could not|timeout|FATAL).{0,160}/i,
      /could not translate host name "(?<host>[^"]{1,120})" to address/,
      /failed to resolve host '(?<host>[^']{1,120})'/,
      /(?<reason>(?:password authentication failed|database "[^"]{1,80}" does not exist|role "[^"]{1,80}" does not exist|sorry, too many clients already|remaining connection slots|the database system is (?:starting up|shutting down|in recovery mode)|no pg_hba\.conf entry).{0,80})/,
      /server closed the connection unexpectedly|SSL connection has been closed unexpectedly|terminating connection due to administrator command/,
      /permission denied for (?:schema|table|database|relation|sequence) \S{1,80}/,
      /Can't connect to (?:MySQL|MariaDB) server on '(?<host>[^']{1,120})'/,
      /Access denied for user '[^']{1,80}'@'[^']{1,80}'/,
      /connection is bad: (?<reason>.{3,120})/,
      /(?<reason>fe_sendauth: no password supplied|SCRAM authentication requires .{1,60}|server does not support SSL.{0,40})/,
      /\bpsycopg2?\.OperationalError\)? connection failed: (?<reason>.{3,120})/,
    ],
    detail: ({ reason, host }) =>
      reason !== undefined
        ? `the database server: ${reason.trim()}`
        : `the database server ${host ?? ''} cannot be reached`.replace(/ {2,}/g, ' '),
    samples: [
      'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "postgres" (172.18.0.3), port 5432 failed: Connection refused',
      'psycopg2.OperationalError: could not connect to server: Connection refused',
      'psycopg2.OperationalError: could not translate host name "postgres" to address: Name or service not known',
      'FATAL:  password authentication failed for user "openwebui"',
      "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'db'\")",
      "psycopg.OperationalError: [Errno -2] failed to resolve host 'database': Name or service not known",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_db_url',
    family: 'open-webui',
    code: 'ui_setting_invalid',
    symptom: 'Could not parse SQLAlchemy URL from given URL string',
    patterns: [
      /Could not parse SQLAlchemy URL/,
      /Can't load plugin: sqlalchemy\.dialects:(?<driver>[\w.]{1,60})/,
      /No module named '(?<driver>psycopg2?|asyncpg|pymysql|MySQLdb|oracledb|cx_Oracle|sqlcipher3|aiosqlite|pymilvus|qdrant_client|opensearchpy|elasticsearch|pinecone|weaviate)'/,
      /DATABASE_(?:URL|PASSWORD|TYPE|ENABLE_IAM_TOKEN_AUTH)\b.{0,80}(?:is required|not set|invalid|unsupported|only supported|requires)/,
      /unable to parse .{0,40}DATABASE_URL|invalid dsn: |(?:^|: )Unrecognized or unsupported scheme/i,
    ],
    detail: ({ driver }) =>
      driver === undefined
        ? 'DATABASE_URL is not an address of a database'
        : `the image has no database driver ${driver}; DATABASE_URL asks for it`,
    remedy: () =>
      'Correct DATABASE_URL of the ui service (sqlite:////app/backend/data/webui.db or postgresql+psycopg://USER:PASSWORD@HOST:5432/NAME), or remove it.',
    samples: [
      'sqlalchemy.exc.ArgumentError: Could not parse SQLAlchemy URL from given URL string',
      "sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres",
      "ModuleNotFoundError: No module named 'psycopg2'",
      'ValueError: DATABASE_PASSWORD is required when using sqlite+sqlcipher:// URLs',
      'RuntimeError: Unrecognized or unsupported scheme: "nonsense".',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_migration',
    family: 'open-webui',
    frames: /^(?![\s\S]*(?:diskcache|chromadb))/,
    code: 'chat_migration_failed',
    symptom: 'sqlite3.OperationalError: table "chat_message" already exists / no such column: chat.timer_at',
    patterns: [
      /\btable "?[\w.]{1,80}"? already exists/,
      /\bindex "?[\w.]{1,80}"? already exists|could not create unique index "/,
      /duplicate column name: /,
      /no such (?:table|column|index): /,
      /table \w{1,80} has no column named \w/,
      /(?:relation|column) "?[\w.]{1,80}"? (?:does not exist|already exists)/,
      /column "?[\w.]{1,80}"? of relation "?[\w.]{1,80}"? (?:does not exist|already exists)/,
      /Migration failed: \d{3}_\w+/,
      // Two processes make the same tables at once.
      /duplicate key value violates unique constraint "(?:pg_|alembic_)\w+"/,
      /no schema has been selected to create in|current transaction is aborted, commands ignored/,
      /Multiple head revisions are present|Target database is not up to date/,
      /No support for ALTER of constraints in SQLite dialect/,
      /Cannot add a (?:NOT NULL|UNIQUE|PRIMARY KEY) column/i,
      /Error running migrations: (?!Can't locate|.{0,200}(?:malformed|not a database|locked|readonly|disk|unable to open|connect|password|No module named))/,
      /Failed to initialize the database connection: (?!.{0,200}(?:malformed|not a database|locked|readonly|disk|unable to open|connect|password|No module named))/,
      /(?:UNIQUE|NOT NULL|FOREIGN KEY) constraint failed: (?:_alembic_tmp|alembic_version)/,
    ],
    samples: [
      'sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) table chat_message already exists',
      'sqlite3.OperationalError: no such column: chat.timer_at',
      'sqlite3.OperationalError: duplicate column name: scim',
      'peewee.IntegrityError: could not create unique index "tag_id"',
      'sqlalchemy.exc.IntegrityError: (psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "pg_type_typname_nsp_index"',
      'sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "config" does not exist',
      "Error running migrations: cannot import name 'Calendar' from partially initialized module 'open_webui.models.calendar'",
      'sqlite3.OperationalError: table chat has no column named timer_at',
    ],
    checkedAgainst: CHECKED,
  },
];
