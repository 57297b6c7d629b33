import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case, ContainerRun, Lab } from './case.ts';

const STARTED = /Scheduler worker started|Application startup complete/;
const ADMIN = { WEBUI_ADMIN_EMAIL: 'admin@example.com', WEBUI_ADMIN_PASSWORD: 'capture-password' };

function ui(name: string, expect: string | null, note: string, run: Partial<ContainerRun>): Case {
  const family = expect === null ? 'healthy' : 'open-webui';
  return { name, family, expect, note, run: { image: 'ui', ...run } };
}

/** Keeps what it has written; the data directory of the case gets a database as a first start makes it. */
async function firstStart(lab: Lab, more: string[] = []): Promise<void> {
  const name = `${lab.container}-first`;
  await lab.docker(['rm', '-f', '-v', name]);
  await lab.docker([
    ...[
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      '-v',
      `${lab.folder}:/app/backend/data`,
      '--cpu-shares',
      '256',
    ],
    ...[
      '-e',
      'WEBUI_SECRET_KEY=not-a-secret-for-captures',
      '-e',
      'OFFLINE_MODE=true',
      '-e',
      'HF_HUB_OFFLINE=1',
    ],
    ...['-e', 'ENABLE_OLLAMA_API=false', ...more, lab.images.ui],
  ]);
  for (let tries = 0; tries < 180; tries += 1) {
    const { output } = await lab.docker(['logs', name]);
    if (STARTED.test(output)) break;
    await lab.sleep(1000);
  }
  await lab.docker(['stop', '-t', '30', name]);
  await lab.docker(['rm', '-f', '-v', name]);
}

/** A first start, then something is done to its database. */
const afterFirstStart = (program: string) => async (lab: Lab) => {
  await firstStart(lab);
  await lab.python('ui', `import sqlite3, os\npath = "/folder/webui.db"\n${program}`);
};

const sql = (...statements: string[]) =>
  afterFirstStart(
    `db = sqlite3.connect(path)\n${statements.map((one) => `db.execute(${JSON.stringify(one)})`).join('\n')}\ndb.commit()\ndb.close()`,
  );

const fetchPath = (lab: Lab, path: string, more: string[] = []) =>
  lab.docker(['exec', lab.container, 'curl', '-sS', '-m', '30', ...more, `http://127.0.0.1:8080${path}`]);

async function signIn(lab: Lab): Promise<string> {
  const body = JSON.stringify({ email: ADMIN.WEBUI_ADMIN_EMAIL, password: ADMIN.WEBUI_ADMIN_PASSWORD });
  const { output } = await fetchPath(lab, '/api/v1/auths/signin', [
    '-H',
    'Content-Type: application/json',
    '-d',
    body,
  ]);
  return /"token":"([^"]+)"/.exec(output)?.[1] ?? '';
}

export const OPEN_WEBUI_CASES: readonly Case[] = [
  // healthy
  ui('ui-offline-first-start', null, 'first start without a network; the embedding model cannot be loaded', {
    environment: { RAG_EMBEDDING_ENGINE: '', ...ADMIN },
    once: { line: STARTED, act: async () => 'running' },
  }),
  ui('ui-second-start-stopped', null, 'second start with a database, stopped with SIGTERM', {
    prepare: (lab) => firstStart(lab),
    once: {
      line: STARTED,
      act: async (lab) => {
        await lab.sleep(5000);
        await lab.docker(['stop', '-t', '30', lab.container]);
        return 'ended';
      },
    },
  }),
  ui('ui-backend-away', null, 'the page runs, its model server does not answer', {
    environment: { ...ADMIN, OPENAI_API_BASE_URL: 'http://127.0.0.1:9/v1' },
    once: {
      line: STARTED,
      act: async (lab) => {
        await lab.sleep(3000);
        const token = await signIn(lab);
        const authorization = ['-H', `Authorization: Bearer ${token}`];
        await fetchPath(lab, '/api/models', authorization);
        await fetchPath(lab, '/api/chat/completions', [
          ...authorization,
          ...['-H', 'Content-Type: application/json'],
          ...['-d', '{"model":"acme/tiny-chat","messages":[{"role":"user","content":"hello"}]}'],
        ]);
        await fetchPath(lab, '/api/models', ['-H', 'Authorization: Bearer wrong']);
        return 'running';
      },
    },
  }),
  ui('ui-no-dns', null, 'online mode without a network: slow, but it starts', {
    environment: { OFFLINE_MODE: 'false', HF_HUB_OFFLINE: '0', RAG_EMBEDDING_ENGINE: '' },
    once: { line: STARTED, act: async () => 'running' },
    limitSeconds: 300,
  }),
  // database
  ui('db-damaged', 'chat_database_corrupt', 'pages in the middle of webui.db are overwritten', {
    prepare: afterFirstStart(
      'size = os.path.getsize(path)\nfor name in ("-wal", "-shm"):\n  if os.path.exists(path + name): os.remove(path + name)\nwith open(path, "r+b") as file:\n  file.seek(4096)\n  file.write(os.urandom(size - 8192))',
    ),
  }),
  ui('db-not-a-database', 'chat_database_corrupt', 'webui.db is a text file', {
    prepare: (lab) =>
      writeFile(join(lab.folder, 'webui.db'), 'this is no database, but a note of somebody\n'.repeat(200)),
  }),
  ui('db-cut', 'chat_database_corrupt', 'webui.db ends half way', {
    prepare: afterFirstStart(
      'for name in ("-wal", "-shm"):\n  if os.path.exists(path + name): os.remove(path + name)\nos.truncate(path, os.path.getsize(path) // 8192 * 4096)',
    ),
  }),
  ui('db-newer', 'chat_database_newer', 'webui.db was written by a newer version', {
    prepare: sql("UPDATE alembic_version SET version_num = 'f00dfeedcafe'"),
  }),
  ui('db-table-exists', 'chat_migration_failed', 'a migration that ended half way: its tables are there', {
    prepare: sql('DELETE FROM alembic_version'),
  }),
  ui('db-column-missing', 'chat_migration_failed', 'a column of the users is missing', {
    prepare: sql('ALTER TABLE config RENAME TO config_old'),
    once: {
      line: STARTED,
      act: async (lab) => {
        await fetchPath(lab, '/api/config');
        await lab.sleep(2000);
        return 'running';
      },
    },
  }),
  ui('db-locked', 'chat_database_locked', 'another process holds webui.db locked', {
    prepare: async (lab) => {
      await firstStart(lab);
      await lab.python(
        'ui',
        'import sqlite3\ndb = sqlite3.connect("/folder/webui.db")\ndb.execute("PRAGMA journal_mode=DELETE")\ndb.close()',
      );
      await lab.docker([
        ...[
          'run',
          '-d',
          '--name',
          `${lab.container}-lock`,
          '--network',
          'none',
          '-v',
          `${lab.folder}:/folder`,
        ],
        ...['--entrypoint', 'python3', lab.images.ui, '-c'],
        'import sqlite3, time\ndb = sqlite3.connect("/folder/webui.db", isolation_level=None)\ndb.execute("BEGIN EXCLUSIVE")\ntime.sleep(120)',
      ]);
      await lab.sleep(4000);
    },
  }),
  ui('db-read-only', 'chat_directory_not_writable', 'the data directory is mounted read-only', {
    docker: ['-v', '{folder}:/app/backend/data:ro'],
    prepare: (lab) => firstStart(lab),
  }),
  ui('data-read-only-empty', 'chat_directory_not_writable', 'an empty data directory, mounted read-only', {
    docker: ['-v', '{folder}:/app/backend/data:ro'],
  }),
  ui('data-not-writable', 'chat_directory_not_writable', 'a user who may not write the data directory', {
    docker: ['--user', '12345:12345', '-e', 'HOME=/tmp'],
  }),
  ui('data-is-file', 'chat_directory_not_writable', 'DATA_DIR is the path of a file', {
    environment: { DATA_DIR: '/app/backend/data/chats' },
    prepare: ({ folder }) => writeFile(join(folder, 'chats'), 'no directory'),
  }),
  ui('data-full', 'disk_full', 'no space in the data directory', {
    docker: ['--tmpfs', '/app/backend/data:size=128k'],
  }),
  ui('data-full-later', 'disk_full', 'little space in the data directory', {
    docker: ['--tmpfs', '/app/backend/data:size=900k'],
    environment: ADMIN,
    limitSeconds: 90,
  }),
  ui('db-url-nonsense', 'ui_setting_invalid', 'a DATABASE_URL that is none', {
    environment: { DATABASE_URL: 'nonsense' },
  }),
  ui('db-url-driver', 'ui_setting_invalid', 'a DATABASE_URL whose driver is not in the image', {
    environment: { DATABASE_URL: 'postgresql://user:secret@127.0.0.1:5432/chat' },
  }),
  ui('db-postgres-away', 'chat_database_unreachable', 'no PostgreSQL server answers', {
    environment: { DATABASE_URL: 'postgresql+psycopg://user:secret@127.0.0.1:5432/chat' },
  }),
  ui(
    'db-postgres-unknown-host',
    'chat_database_unreachable',
    'the PostgreSQL server has a name nobody knows',
    {
      environment: { DATABASE_URL: 'postgresql+psycopg://user:secret@database:5432/chat' },
    },
  ),
  // settings and neighbours
  ui('secret-missing', 'chat_secret_missing', 'no secret key, started without its script', {
    environment: { WEBUI_SECRET_KEY: '' },
    args: ['python3', '-m', 'uvicorn', 'open_webui.main:app', '--port', '8080'],
  }),
  ui('secret-not-writable', 'chat_secret_missing', 'no secret key, in a container that is read-only', {
    docker: ['--read-only', '--tmpfs', '/tmp'],
    environment: { WEBUI_SECRET_KEY: '' },
  }),
  ui('redis-away', 'chat_cache_unreachable', 'no Redis server answers', {
    environment: {
      REDIS_URL: 'redis://127.0.0.1:6379/0',
      WEBSOCKET_MANAGER: 'redis',
      ENABLE_WEBSOCKET_SUPPORT: 'true',
    },
    limitSeconds: 120,
  }),
  ui('redis-url-nonsense', 'ui_setting_invalid', 'a REDIS_URL that is none', {
    environment: { REDIS_URL: 'nonsense', WEBSOCKET_MANAGER: 'redis' },
    limitSeconds: 120,
  }),
  ui('vector-damaged', 'vector_store_failed', 'chroma.sqlite3 is a text file', {
    prepare: async (lab) => {
      await lab.python(
        'ui',
        'import os\nos.makedirs("/folder/vector_db")\nopen("/folder/vector_db/chroma.sqlite3", "w").write("no database\\n" * 1000)',
      );
    },
  }),
  ui(
    'ui-vector-unknown',
    null,
    'a vector store that does not exist: nobody asks for it before the first document',
    {
      environment: { VECTOR_DB: 'nosuch' },
    },
  ),
  ui('vector-away', 'vector_store_failed', 'no Chroma server answers', {
    environment: { CHROMA_HTTP_HOST: '127.0.0.1', CHROMA_HTTP_PORT: '8001' },
  }),
  ui('setting-number', 'ui_setting_invalid', 'a word where a number belongs', {
    environment: {
      DATABASE_POOL_SIZE: 'many',
      DATABASE_POOL_TIMEOUT: 'long',
      WEBUI_SESSION_COOKIE_SAME_SITE: 'x',
    },
    limitSeconds: 90,
  }),
  ui('setting-lifetime', 'ui_setting_invalid', 'a lifetime of sessions that is none', {
    environment: { JWT_EXPIRES_IN: 'forever', ...ADMIN },
    limitSeconds: 90,
    once: {
      line: STARTED,
      act: async (lab) => {
        await signIn(lab);
        return 'running';
      },
    },
  }),
  ui('option-unknown', 'ui_setting_invalid', 'an option that does not exist', {
    args: ['open-webui', 'serve', '--no-such-option'],
  }),
  ui('option-command', 'ui_setting_invalid', 'a command that the program does not have', {
    args: ['open-webui', 'start'],
  }),
  ui('option-extra', 'ui_setting_invalid', 'an argument that is too many', {
    args: ['open-webui', 'serve', 'extra'],
  }),
  ui('option-port', 'ui_setting_invalid', 'a port that is none', {
    args: ['open-webui', 'serve', '--port', 'http'],
  }),
  ui('ui-port-taken', 'port_in_use', 'another program in the container has the port', {
    args: [
      'sh',
      '-c',
      'python3 -m http.server 8080 >/dev/null 2>&1 & sleep 2; exec open-webui serve --host 0.0.0.0 --port 8080',
    ],
  }),
  ui('port-privileged', 'file_permission_denied', 'a port that only root may open', {
    docker: [
      '--user',
      '12345:12345',
      '-e',
      'HOME=/tmp',
      '--sysctl',
      'net.ipv4.ip_unprivileged_port_start=1024',
    ],
    prepare: (lab) => lab.python('ui', 'import os; os.chmod("/folder", 0o777)'),
    args: ['open-webui', 'serve', '--host', '0.0.0.0', '--port', '80'],
  }),
  // ends
  ui('ui-open-files', 'process_limit_reached', 'a limit of 12 open files', {
    docker: ['--ulimit', 'nofile=12:12'],
  }),
  ui('ui-process-limit', 'process_limit_reached', 'a limit of 1 process', { docker: ['--pids-limit', '1'] }),
  ui('ui-memory-limit', 'out_of_memory', 'a memory limit that kills it while it starts', {
    docker: ['--memory', '80m', '--memory-swap', '80m'],
  }),
  ui('ui-killed', 'process_killed', 'SIGKILL while serving', {
    once: {
      line: STARTED,
      act: async (lab) => {
        await lab.docker(['kill', lab.container]);
        return 'ended';
      },
    },
  }),
];
