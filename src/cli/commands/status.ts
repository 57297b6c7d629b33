import { access } from 'node:fs/promises';
import { renderStatusText } from '../../status/render-text.ts';
import type { Status } from '../../status/schema.ts';
import { type Answer, ask } from '../client.ts';
import type { CliContext, Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';

export const statusCommand: Command = {
  name: 'status',
  synopsis: '[--json]',
  summary: 'show what runs, how far it is, and what is wrong',
  details: [
    'Asks the control socket, and the read-only port where the socket may not be used.',
    'With the daemon down it says so, shows what can be known without it, and exits with 3.',
  ],
  options: { json: { type: 'boolean' } },
  optionHelp: [['--json', 'the answer of GET /status as it is']],
  maximumPositionals: 0,
  async run(context, { values }) {
    const json = values['json'] === true;
    try {
      const body = await fetchStatus(context);
      await context.write(
        json ? body : renderStatusText(JSON.parse(body) as Status, { colour: context.colour }),
      );
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof CliFailure) || error.exitCode !== EXIT.notRunning) throw error;
      return await showWithoutDaemon(context, error, json);
    }
  },
};

/** The socket first; the port answers anybody on this machine. Throws the failure of the socket when both fail. */
async function fetchStatus(context: CliContext): Promise<string> {
  const { socketPath, listen } = context.settings;
  try {
    return statusBody(await ask({ socketPath }, 'GET', '/status', context.clock));
  } catch (failure) {
    if (
      !(failure instanceof CliFailure) ||
      (failure.exitCode !== EXIT.notRunning && failure.exitCode !== EXIT.noPermission)
    ) {
      throw failure;
    }
    try {
      return statusBody(await ask(listen, 'GET', '/status', context.clock));
    } catch {
      throw failure;
    }
  }
}

/** Another program may listen on the port, so the answer must look like ours. */
function statusBody({ status, body }: Answer): string {
  const parsed: unknown = status === 200 ? JSON.parse(body) : null;
  if (typeof parsed === 'object' && parsed !== null && 'services' in parsed && 'deployment' in parsed) {
    return body;
  }
  throw new CliFailure(
    EXIT.failed,
    `the daemon answered /status with ${status}; see: journalctl -u ai-sandbox`,
  );
}

async function showWithoutDaemon(
  { settings, write }: CliContext,
  failure: CliFailure,
  json: boolean,
): Promise<ExitCode> {
  const composeFileExists = await access(settings.composeFile).then(
    () => true,
    () => false,
  );
  if (json) {
    const answer = {
      daemon_running: false,
      detail: failure.message,
      compose_file: settings.composeFile,
      compose_file_exists: composeFileExists,
    };
    await write(`${JSON.stringify(answer, null, 2)}\n`);
  } else {
    await write(
      [
        'ai-sandbox: the daemon is not running.',
        'Containers that were running go on, but nothing restarts them.',
        '',
        'Start it      systemctl start ai-sandbox',
        'Its log       journalctl -u ai-sandbox',
        `Socket        ${settings.socketPath}: nobody answers`,
        `Compose file  ${settings.composeFile}: ${composeFileExists ? 'check it with ai-sandbox config check' : 'missing'}`,
        '',
      ].join('\n'),
    );
  }
  return failure.exitCode;
}
