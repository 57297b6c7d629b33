import { flushCompileCache } from 'node:module';
import { ListenError } from './api/listen-error.ts';
import { refuseTakenPort } from './api/taken-port.ts';
import { refuseSecondDaemon } from './api/unix-socket.ts';
import { createDaemon } from './daemon.ts';
import { createJournalLog, isJournalStream } from './host/journal.ts';
import { systemClock } from './lib/clock.ts';
import { errorMessage } from './lib/errors.ts';
import { createRedactor } from './lib/redact.ts';
import { EXIT_CONFIGURATION, loadSettings } from './settings.ts';
import { readVersion } from './version.ts';

/** A daemon that does not end by itself after this is ended; systemd would wait 90 s. */
const STOP_LIMIT_MS = 10_000;

/** By then everything that a start needs has been compiled. */
const COMPILE_CACHE_DELAY_MS = 60_000;

const environment = process.env;
const stdoutIsJournal = isJournalStream(environment);
const loaded = loadSettings(environment);
if ('errors' in loaded) {
  const prefix = stdoutIsJournal ? '<3>' : 'ai-sandbox: ';
  process.stderr.write(loaded.errors.map((line) => `${prefix}${line}\n`).join(''));
  process.exit(EXIT_CONFIGURATION);
}
const { settings } = loaded;
const redactor = createRedactor([settings.hubToken]);
const log = createJournalLog({
  stdoutIsJournal,
  isTty: process.stdout.isTTY === true,
  redactor,
  level: settings.logLevel,
});

/** A defect: told in one sentence, its stack at debug only; systemd starts the daemon again and containers go on. */
function giveUp(error: unknown): never {
  log.error(`the daemon ends because of a defect: ${errorMessage(error)}`);
  log.debug('where it happened', { error });
  process.exit(1);
}
process.on('uncaughtException', giveUp);
process.on('unhandledRejection', giveUp);

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    log.info(`${signal}: the daemon ends; what runs goes on running`);
    stopping.abort(new Error('the daemon is stopping'));
    setTimeout(() => process.exit(0), STOP_LIMIT_MS).unref();
  });
}

// An orderly end writes the compile cache (NODE_COMPILE_CACHE) too; a daemon that is killed would start slowly for ever.
setTimeout(flushCompileCache, COMPILE_CACHE_DELAY_MS).unref();

try {
  await Promise.all([refuseSecondDaemon(settings.socketPath), refuseTakenPort(settings.listen)]);
  const daemon = await createDaemon({
    settings,
    environment,
    version: readVersion(),
    clock: systemClock,
    log,
    redactor,
  });
  process.on('SIGHUP', () => {
    daemon
      .reload()
      .catch((error: unknown) => log.error(`the files could not be read again: ${errorMessage(error)}`));
  });
  await daemon.run(stopping.signal);
  process.exit(0);
} catch (error) {
  if (!(error instanceof ListenError)) giveUp(error);
  log.error(`${error.code}: ${error.message}`);
  process.exit(1);
}
