import type { CliContext, Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { carryOut, type JobEnd } from '../job.ts';
import { chosenServices, servicePath } from '../service-names.ts';

type Action = 'start' | 'stop' | 'restart';

const WORDS: Readonly<Record<Action, { summary: string; done: string; detail: string }>> = {
  start: {
    summary: 'start a service, or all, and keep it running',
    done: 'start is under way; watch it: ai-sandbox status',
    detail: 'Also tries a service again that has failed for good.',
  },
  stop: {
    summary: 'stop a service, or all, and keep it stopped',
    done: 'stopped',
    detail: 'It stays stopped when the daemon or the machine restarts, until: ai-sandbox start.',
  },
  restart: {
    summary: 'stop and start a service, or all',
    done: 'restart is under way; watch it: ai-sandbox status',
    detail: 'Also tries a service again that has failed for good.',
  },
};

export const changeCommands: readonly Command[] = (['start', 'stop', 'restart'] as const).map((action) => ({
  name: action,
  synopsis: '[SERVICE]',
  summary: WORDS[action].summary,
  details: [WORDS[action].detail, 'Without SERVICE: all services of the compose file.'],
  options: {},
  optionHelp: [],
  maximumPositionals: 1,
  run: (context, { positionals }) => change(context, action, positionals),
}));

async function change(context: CliContext, action: Action, positionals: string[]): Promise<ExitCode> {
  const names = await chosenServices(context, positionals);
  const ends = await Promise.all(
    names.map(async (name) => {
      const end = await carryOut(context, servicePath(name, action)).catch(asEnd);
      await report(context, name, end, WORDS[action].done);
      return end;
    }),
  );
  return ends.some(({ state }) => state === 'failed') ? EXIT.failed : EXIT.ok;
}

/** A refusal of one service must not hide how the others ended; a daemon that is gone ends the command. */
function asEnd(error: unknown): JobEnd {
  if (error instanceof CliFailure && error.exitCode === EXIT.failed) {
    return { state: 'failed', detail: error.message };
  }
  throw error;
}

async function report(context: CliContext, name: string, end: JobEnd, done: string): Promise<void> {
  switch (end.state) {
    case 'succeeded':
      return await context.write(`${name}: ${done}\n`);
    case 'running':
      return await context.write(`${name}: still under way; watch it: ai-sandbox status\n`);
    case 'failed':
      return context.complain(`${name}: ${end.detail ?? 'failed'}`);
  }
}
