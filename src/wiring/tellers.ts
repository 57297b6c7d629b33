import { dirname, join } from 'node:path';
import { createLogFiles } from '../deployment/log-files.ts';
import { consoleLines } from '../deployment/log-lines.ts';
import { createConsole } from '../host/console.ts';
import { machineAddress } from '../host/identity.ts';
import { statusLine } from '../host/status-line.ts';
import type { Notifier } from '../host/systemd.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ServicesSnapshot } from '../services/types.ts';
import type { Settings } from '../settings.ts';
import { createProblemJournal } from '../status/problem-record.ts';
import { createPublisher, type Publisher } from '../status/publisher.ts';
import type { Status } from '../status/schema.ts';
import type { CredentialsKeeper } from './credentials.ts';
import { createLoginMessage, type LoginMessage } from './login-message.ts';
import type { StatusSource } from './status-source.ts';

/** Parts of {@link createTellers}. */
interface TellerParts {
  settings: Settings;
  clock: Clock;
  log: Log;
  /** Where the problems themselves are recorded, errors included. */
  journal: Log;
  notifier: Notifier;
  source: StatusSource;
  credentialsFile: CredentialsKeeper;
  published(): ServicesSnapshot['published'];
  publicAddresses(): readonly string[];
}

/**
 * Everything that tells the state before `/status` shows it: login message, credentials file, console, log files, systemd,
 * journal. What cannot be written becomes a finding of the source.
 */
export function createTellers(parts: TellerParts): { publisher: Publisher; motd: LoginMessage } {
  const { settings, clock, log, notifier, source, credentialsFile } = parts;
  const user = settings.credentialsUser ?? 'root';
  const motd = createLoginMessage({
    path: settings.motdFile,
    clock,
    options: () => ({
      envFile: join(dirname(settings.composeFile), '.env'),
      credentialsFile: credentialsFile.path(),
      motdFile: settings.motdFile,
      ssh: `${user}@${machineAddress({ publicAddresses: parts.publicAddresses() }) ?? 'THIS_SERVER'}`,
      logDirectory: settings.logDirectory,
      listen: `${settings.listen.host}:${settings.listen.port}`,
      published: parts.published(),
    }),
  });
  const machineConsole = createConsole(settings.console, log);
  const logFiles = createLogFiles({ directory: settings.logDirectory, clock });
  const problemJournal = createProblemJournal(parts.journal, clock);
  let told: Status | null = null;
  const publisher = createPublisher({
    assemble: source.assemble,
    sinks: [
      async (status, change) => source.setFinding('motd', await motd.show(status, change)),
      async (status) => source.setFinding('credentials', await credentialsFile.write(status)),
      async (status) => {
        const lines = consoleLines(told, status);
        told = status;
        await machineConsole.write(lines);
      },
      async (status) => source.setFinding('logs', await logFiles.write(status)),
      async (status) => notifier.status(statusLine(status)),
      async (status) => problemJournal(status),
    ],
    clock,
    log,
  });
  return { publisher, motd };
}
