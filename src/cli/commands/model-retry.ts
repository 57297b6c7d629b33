import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { carryOut } from '../job.ts';

export const modelRetryCommand: Command = {
  name: 'model retry',
  synopsis: '',
  summary: 'try a failed model download again now',
  details: ['What was already fetched is kept.'],
  options: {},
  optionHelp: [],
  maximumPositionals: 0,
  async run(context) {
    const end = await carryOut(context, '/model/retry');
    if (end.state === 'failed') throw new CliFailure(EXIT.failed, end.detail ?? 'failed');
    await context.write('the download is tried again; watch it: ai-sandbox status\n');
    return EXIT.ok;
  },
};
