import { stripVTControlCharacters } from 'node:util';
import { printable } from '../../lib/plain-text.ts';
import { readLines } from '../client.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { chosenServices, servicePath } from '../service-names.ts';

/** The daemon sends no more lines of the past. */
const MAXIMUM_TAIL = 10_000;

export const logsCommand: Command = {
  name: 'logs',
  synopsis: '[SERVICE] [-f] [--tail N]',
  summary: 'show the log of a service, or of all',
  details: [
    'Without SERVICE the lines of all services are shown, each with the name of its service.',
    'Secrets and control characters are removed.',
  ],
  options: { follow: { type: 'boolean', short: 'f' }, tail: { type: 'string', short: 'n' } },
  optionHelp: [
    ['-f, --follow', 'go on with new lines'],
    ['-n, --tail N', `the last N lines, 0 to ${MAXIMUM_TAIL} (100)`],
  ],
  maximumPositionals: 1,
  async run(context, { values, positionals }) {
    const tail = String(values['tail'] ?? '100');
    if (!/^\d{1,5}$/.test(tail) || Number(tail) > MAXIMUM_TAIL) {
      throw new CliFailure(
        EXIT.usage,
        `--tail is ${tail}; allowed is a whole number from 0 to ${MAXIMUM_TAIL}`,
      );
    }
    const follow = values['follow'] === true;
    const names = await chosenServices(context, positionals);
    const width = Math.max(...names.map((name) => name.length));
    const show = (name: string) => {
      const prefix = positionals.length > 0 ? '' : `${name.padEnd(width)} | `;
      const path = `${servicePath(name, 'logs')}?tail=${tail}&follow=${follow}`;
      return readLines({ socketPath: context.settings.socketPath }, path, (line) =>
        context.write(`${prefix}${printable(stripVTControlCharacters(line))}\n`),
      );
    };
    if (follow) await Promise.all(names.map(show));
    else for (const name of names) await show(name);
    return EXIT.ok;
  },
};
