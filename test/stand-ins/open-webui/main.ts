// A stand-in for Open WebUI: the same face, database, exit codes and signals, without the page. See ../README.md.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Database } from './database.ts';
import { makeServer, type UiState } from './server.ts';

const VERSION = '0.12.4';
/** Where the real start script keeps a key it had to make up: outside of the data directory. */
const KEY_FILE = '.webui_secret_key';
const CLOSED_ADDRESS_EXIT = 3;

const env = process.env;
const say = (where: string, text: string): void => {
  const time = new Date().toISOString().replace('T', ' ').slice(0, 23);
  process.stdout.write(`${time} | INFO     | ${where} - ${text}\n`);
};

function secretKey(): string {
  const given = env['WEBUI_SECRET_KEY'];
  if (given) return given;
  process.stdout.write('Loading WEBUI_SECRET_KEY from file, not provided as an environment variable.\n');
  if (!existsSync(KEY_FILE)) writeFileSync(KEY_FILE, randomBytes(24).toString('base64'));
  return readFileSync(KEY_FILE, 'utf8');
}

/** Opens the database or ends as the real one does: a traceback with SQLAlchemy's words, exit code 1. */
function openDatabase(): Database {
  const directory = env['DATA_DIR'] ?? '/app/backend/data';
  try {
    return new Database(directory);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `Traceback (most recent call last):\n  File "/app/backend/open_webui/internal/db.py", line 155, in handle_peewee_migration\nsqlalchemy.exc.OperationalError: (sqlite3.OperationalError) ${words}\n`,
    );
    process.exit(1);
  }
}

/** `serve [--host H] [--port P]`; a bad option ends with code 2, as click does. */
function address(argv: readonly string[]): { host: string; port: number } {
  const found = { host: '0.0.0.0', port: Number(env['PORT'] ?? 8080) };
  const words = argv[0] === 'serve' ? argv.slice(1) : [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--host') found.host = words.shift() ?? found.host;
    else if (word === '--port') found.port = Number(words.shift());
    else {
      process.stderr.write(`Usage: open-webui serve [OPTIONS]\nError: No such option: ${word}\n`);
      process.exit(2);
    }
  }
  return found;
}

/** The image's own healthcheck, without curl and jq: `open-webui healthcheck`. */
async function healthcheck(): Promise<never> {
  const answer = await fetch(`http://127.0.0.1:${env['PORT'] ?? 8080}/health`, {
    signal: AbortSignal.timeout(5000),
  }).catch(() => null);
  const body =
    answer === null ? null : ((await answer.json().catch(() => null)) as { status?: unknown } | null);
  process.exit(body?.status === true ? 0 : 1);
}

async function main(): Promise<void> {
  if (process.argv[2] === 'healthcheck') await healthcheck();
  const { host, port } = address(process.argv.slice(2));
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    // Not a line in the log, and some seconds: so the real one does.
    setTimeout(() => process.exit(0), Number(env['STAND_IN_STOP_SECONDS'] ?? 0.5) * 1000);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);

  const secret = secretKey();
  const database = openDatabase();
  say('alembic.runtime.migration:_stamp_version:1', 'Running upgrade  -> 018012973d35, add indexes');
  const persistent = (env['ENABLE_PERSISTENT_CONFIG'] ?? 'true').toLowerCase() !== 'false';
  const email = env['WEBUI_ADMIN_EMAIL'];
  const password = env['WEBUI_ADMIN_PASSWORD'];
  if (email && password && !database.hasUsers)
    database.addUser(email, password, env['WEBUI_ADMIN_NAME'] ?? 'Admin');
  const state: UiState = {
    database,
    version: VERSION,
    secret,
    backendUrl:
      database
        .setting(
          'openai.api_base_urls',
          env['OPENAI_API_BASE_URL'] ?? 'https://api.openai.com/v1',
          persistent,
        )
        .split(';')[0]
        ?.replace(/\/$/, '') ?? '',
    backendKey:
      database.setting('openai.api_keys', env['OPENAI_API_KEY'] ?? '', persistent).split(';')[0] ?? '',
    signUp: (env['ENABLE_SIGNUP'] ?? 'true').toLowerCase() !== 'false',
    wedged: false,
  };
  await delay(Number(env['STAND_IN_LOAD_SECONDS'] ?? 1) * 1000);
  const server = makeServer(state);
  server.on('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(
      `ERROR:    [Errno 98] error while attempting to bind on address ('${host}', ${port}): ${error.code === 'EADDRINUSE' ? 'address already in use' : error.message}\n`,
    );
    process.exit(CLOSED_ADDRESS_EXIT);
  });
  server.listen(port, host, () =>
    say(
      'open_webui.utils.automations:scheduler_worker_loop:81',
      'Scheduler worker started (timer poll interval: 1s, scheduler poll interval: 10s)',
    ),
  );
}

await main();
