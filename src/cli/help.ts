import type { Command } from './command.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

/** Width of the left column of a list. */
const COLUMN_WIDTH = 14;

/** The help of the whole command. */
export function overviewHelp(commands: readonly Command[]): string {
  return [
    'Usage: ai-sandbox COMMAND [OPTIONS]',
    '',
    'Looks after the model and the chat page of this server, through the running daemon.',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => row(name, summary)),
    '',
    'Options:',
    row('-h, --help', 'this help; after a command: the help of that command'),
    row('--version', 'the version'),
    '',
    'Exit codes:',
    ...Object.entries(EXIT_MEANINGS).map(([code, meaning]) => row(code, meaning)),
    '',
  ].join('\n');
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  return [
    usageLine(command),
    '',
    `${capitalised(command.summary)}.`,
    ...command.details,
    '',
    'Options:',
    ...command.optionHelp.map(([option, meaning]) => row(option, meaning)),
    row('-h, --help', 'this help'),
    '',
  ].join('\n');
}

/** `Usage: ai-sandbox logs [SERVICE]…` */
export function usageLine({ name, synopsis }: Command): string {
  return `Usage: ai-sandbox ${name}${synopsis === '' ? '' : ` ${synopsis}`}`;
}

function row(left: string, right: string): string {
  return `  ${left.padEnd(COLUMN_WIDTH)} ${right}`;
}

function capitalised(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
