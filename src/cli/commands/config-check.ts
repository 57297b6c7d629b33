import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode } from '../../lib/errors.ts';
import type { CliContext, Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const configCheckCommand: Command = {
  name: 'config check',
  synopsis: '[FILE]',
  summary: 'check the compose file without applying it',
  details: [
    'Works without the daemon. Without FILE: the file of AI_SANDBOX_COMPOSE_FILE. `.env` is read beside it.',
    'Each error is one line: file:line:column: key: what is wrong.',
  ],
  options: {},
  optionHelp: [],
  maximumPositionals: 1,
  async run(context, { positionals }) {
    const file = resolve(positionals[0] ?? context.settings.composeFile);
    const report = await context.checkConfig(file);
    for (const notice of report.notices) await context.write(`note: ${notice}\n`);
    for (const { file: place, line, column, key, message } of report.errors) {
      await context.write(`${place}:${line}:${column}: ${key === '' ? '' : `${key}: `}${message}\n`);
    }
    if (report.errors.length > 0) {
      const count = report.errors.length;
      context.complain(`${count} ${count === 1 ? 'error' : 'errors'} in ${report.file}`);
      await hintAtEnvironmentFile(context, join(dirname(report.file), '.env'));
      return EXIT.configInvalid;
    }
    await context.write(`${report.file}: valid; services: ${report.services.join(', ') || 'none'}\n`);
    return EXIT.ok;
  },
};

/** Before its first start the daemon has not made the file of model and secrets, and every use of them is an error. */
async function hintAtEnvironmentFile(context: CliContext, file: string): Promise<void> {
  try {
    await access(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') return;
    context.complain(
      `${file} does not exist: the daemon creates it, with generated secrets, at its first start`,
    );
  }
}
