import { systemClock } from '../lib/clock.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { loadSettings, type Settings } from '../settings.ts';
import { readVersion } from '../version.ts';
import type { CliContext, ConfigReport } from './command.ts';
import { daemonEnvironment } from './daemon-environment.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { runCli } from './run.ts';

/** Reads and checks a compose file; the room is loaded only where it is needed, so that `status` starts fast. */
async function checkConfig(file: string): Promise<ConfigReport> {
  const { createComposeSource } = await import('../compose/source.ts');
  const result = await createComposeSource({
    file,
    environment: process.env,
    pinnedModelId: readSettings().pinnedModelId,
    clock: systemClock,
    log: silentLog,
  }).load();
  if ('errors' in result) return { file, errors: result.errors, notices: [], services: [] };
  const { project } = result;
  return { file, errors: [], notices: project.notices, services: project.services.map(({ name }) => name) };
}

/** Resolves when standard output took the text; never when its reader is gone (the process ends then). */
function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve();
    });
  });
}

function complain(message: string): void {
  for (const line of message.split('\n')) process.stderr.write(`ai-sandbox: ${line}\n`);
}

/** Colours for a person at a terminal who did not ask for none (no-color.org). */
function wantsColour(): boolean {
  const { NO_COLOR: noColour, TERM: terminal } = process.env;
  return process.stdout.isTTY === true && (noColour ?? '') === '' && terminal !== 'dumb';
}

/** Bad settings end only a command that needs one: help and version are there for whoever mends them. */
function readSettings(): Settings {
  const loaded = loadSettings(daemonEnvironment(process.env));
  if ('errors' in loaded) throw new CliFailure(EXIT.badSetting, loaded.errors.join('\n'));
  return loaded.settings;
}

const context: CliContext = {
  get settings() {
    return readSettings();
  },
  clock: systemClock,
  colour: wantsColour(),
  write,
  complain,
  checkConfig,
  openShelf: async () => {
    const { openShelf } = await import('./model-shelf.ts');
    return openShelf(readSettings(), daemonEnvironment(process.env));
  },
};

// `ai-sandbox logs | head` is no failure: its reader has seen enough.
process.stdout.on('error', (error) => process.exit(errorCode(error) === 'EPIPE' ? EXIT.ok : EXIT.failed));
process.stderr.on('error', () => undefined);
try {
  process.exitCode = await runCli(process.argv.slice(2), readVersion(), context);
} catch (error) {
  complain(`this should not have happened: ${errorMessage(error)}`);
  process.exitCode = EXIT.failed;
}
