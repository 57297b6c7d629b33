import { parseArgs } from 'node:util';
import { errorMessage } from '../lib/errors.ts';
import type { CliArguments, CliContext, Command } from './command.ts';
import { changeCommands } from './commands/change.ts';
import { configCheckCommand } from './commands/config-check.ts';
import { explainCommand } from './commands/explain.ts';
import { logsCommand } from './commands/logs.ts';
import { modelRetryCommand } from './commands/model-retry.ts';
import { modelShowCommand } from './commands/model-show.ts';
import { modelVerifyCommand } from './commands/model-verify.ts';
import { reloadCommand } from './commands/reload.ts';
import { statusCommand } from './commands/status.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { commandHelp, overviewHelp, usageLine } from './help.ts';

/** All commands in the order of the help. */
export const COMMANDS: readonly Command[] = [
  statusCommand,
  ...changeCommands,
  logsCommand,
  explainCommand,
  configCheckCommand,
  modelShowCommand,
  modelVerifyCommand,
  modelRetryCommand,
  reloadCommand,
];

/**
 * Runs one command line (without `node` and the script). Never rejects for what a person can cause: every failure is a
 * line on standard error and one of the documented exit codes.
 */
export async function runCli(
  argv: readonly string[],
  version: string,
  context: CliContext,
): Promise<ExitCode> {
  const [first, second] = argv;
  if (first === undefined || first === 'help' || first === '-h' || first === '--help') {
    await context.write(overviewHelp(COMMANDS));
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  if (first === '--version') {
    await context.write(`ai-sandbox ${version}\n`);
    return EXIT.ok;
  }
  const command = COMMANDS.find(({ name }) => name === first || name === `${first} ${second}`);
  if (command === undefined) return await unknownCommand(first, second, context);
  const words = command.name.split(' ').length;
  try {
    const args = parseCommandLine(command, argv.slice(words));
    if (args.values['help'] === true) {
      await context.write(commandHelp(command));
      return EXIT.ok;
    }
    return await command.run(context, args);
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    context.complain(error.message);
    if (error.exitCode === EXIT.usage) context.complain(usageLine(command));
    return error.exitCode;
  }
}

function parseCommandLine(command: Command, args: string[]): CliArguments {
  const parsed = (() => {
    try {
      return parseArgs({
        args,
        options: { ...command.options, help: { type: 'boolean', short: 'h' } },
        allowPositionals: true,
        strict: true,
      });
    } catch (error) {
      // Node adds hints for programmers after the first sentence.
      throw new CliFailure(EXIT.usage, errorMessage(error).split('. ', 1)[0] ?? '');
    }
  })();
  const { values, positionals } = parsed;
  if (values['help'] !== true && positionals.length > command.maximumPositionals) {
    const extra = positionals.slice(command.maximumPositionals).join(' ');
    throw new CliFailure(EXIT.usage, `too many words: ${extra}`);
  }
  return { values, positionals };
}

/** The first word of a command of two words is answered with those commands. */
async function unknownCommand(
  first: string,
  second: string | undefined,
  context: CliContext,
): Promise<ExitCode> {
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length > 0 && (second === '--help' || second === '-h')) {
    await context.write(group.map(commandHelp).join('\n'));
    return EXIT.ok;
  }
  const known = (group.length > 0 ? group : COMMANDS).map(({ name }) => name).join(', ');
  const given = group.length > 0 && second !== undefined ? `${first} ${second}` : first;
  context.complain(
    group.length > 0 && second === undefined
      ? `${first} needs one more word: ${known}`
      : `there is no command "${given}"; there are: ${known}`,
  );
  context.complain('Help: ai-sandbox --help');
  return EXIT.usage;
}
