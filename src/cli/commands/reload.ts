import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { carryOut } from '../job.ts';

export const reloadCommand: Command = {
  name: 'reload',
  synopsis: '',
  summary: 'read settings, hub token and compose file again',
  details: [
    'The same as systemctl reload ai-sandbox. Fails and says why when something is not in force afterwards:',
    'an error in the compose file, a setting with a bad value, a setting that needs a restart of the daemon.',
    'A change of the compose file or the hub token is noticed without it.',
  ],
  options: {},
  optionHelp: [],
  maximumPositionals: 0,
  async run(context) {
    const end = await carryOut(context, '/reload');
    switch (end.state) {
      case 'succeeded':
        await context.write('everything that was read again is in force\n');
        return EXIT.ok;
      case 'running':
        throw new CliFailure(EXIT.failed, 'the daemon is still reading; watch it: ai-sandbox status');
      case 'failed':
        throw new CliFailure(EXIT.failed, end.detail ?? 'failed');
    }
  },
};
