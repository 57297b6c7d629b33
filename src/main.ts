import { ListenError } from './api/listen-error.ts';
import { refuseTakenPort } from './api/taken-port.ts';
import { refuseSecondDaemon } from './api/unix-socket.ts';
import { createDaemon } from './daemon.ts';
import { createJournalLog, isJournalStream } from './host/journal.ts';
import { systemClock } from './lib/clock.ts';
import { createRedactor } from './lib/redact.ts';
import { EXIT_CONFIGURATION, loadSettings } from './settings.ts';
import { createSettingsReload } from './settings-reload.ts';
import { problemRecord } from './status/problem-record.ts';
import { readVersion } from './version.ts';

/** A daemon that does not end by itself after this is ended; systemd would wait 90 s. */
const STOP_LIMIT_MS = 10_000;

const environment = process.env;
const stdoutIsJournal = isJournalStream(environment);
const loaded = loadSettings(environment);
if ('errors' in loaded) {
  const prefix = stdoutIsJournal ? '<3>' : 'ai-sandbox: ';
  const records = loaded.errors.map((detail) => problemRecord({ code: 'setting_invalid', detail }));
  process.stderr.write(records.map((line) => `${prefix}${line}\n`).join(''));
  process.exit(EXIT_CONFIGURATION);
}
const { settings } = loaded;
const redactor = createRedactor([settings.hubToken]);
const logOptions = { stdoutIsJournal, isTty: process.stdout.isTTY === true, redactor };
const log = createJournalLog({ ...logOptions, level: settings.logLevel });

/**
 * A defect: told as a problem; what JavaScript says of it is a record of priority debug, written whatever the level, because
 * it is there once. systemd starts the daemon again, and containers go on.
 */
function giveUp(error: unknown): never {
  log.error(problemRecord({ code: 'daemon_defect', detail: '' }));
  createJournalLog({ ...logOptions, level: 'debug' }).debug('the defect', { error });
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

async function runDaemon(): Promise<void> {
  await Promise.all([refuseSecondDaemon(settings.socketPath), refuseTakenPort(settings.listen)]);
  const reloadSettings = await createSettingsReload({ file: settings.settingsFile, environment, settings });
  const daemon = await createDaemon({
    settings,
    environment,
    version: readVersion(),
    clock: systemClock,
    log,
    redactor,
    reloadSettings: async () => {
      const change = await reloadSettings();
      log.setLevel(settings.logLevel);
      redactor.learn([settings.hubToken]);
      return change;
    },
  });
  // The daemon has told what failed.
  process.on('SIGHUP', () => void daemon.reload().catch(() => undefined));
  await daemon.run(stopping.signal);
  process.exit(0);
}

// Not awaited at the top: the shipped form is a script, which cannot (scripts/bundle.ts).
runDaemon().catch((error: unknown) => {
  if (!(error instanceof ListenError)) giveUp(error);
  log.error(problemRecord({ code: 'daemon_cannot_listen', detail: `${error.code}: ${error.message}` }));
  process.exit(1);
});
