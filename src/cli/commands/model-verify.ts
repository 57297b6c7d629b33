import { formatBytes } from '../../lib/human.ts';
import type { CliContext, Command, ModelShelf } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { carryOut } from '../job.ts';

export const modelVerifyCommand: Command = {
  name: 'model verify',
  synopsis: '[--repair] [ORG/NAME]',
  summary: 'read a cached model again and compare every file with its hash',
  details: [
    'Without ORG/NAME: the model of the compose file. The daemon is not needed, and nothing is fetched.',
    'A damaged or missing file that is not repaired ends it with 1. What runs goes on running.',
  ],
  options: { repair: { type: 'boolean' } },
  optionHelp: [['--repair', 'take damaged files out of the cache, and let the daemon fetch just them again']],
  maximumPositionals: 1,
  async run(context, { values, positionals }) {
    const shelf = await context.openShelf();
    const id = positionals[0] ?? shelf.wanted;
    if (id === null)
      throw new CliFailure(EXIT.usage, 'nothing names a model: give ORG/NAME, or set MODEL_ID in .env');
    const model = await shelf.describe(id);
    if (model.commit === null)
      throw new CliFailure(EXIT.failed, `${id} is not in the cache at ${shelf.directory}`);
    const damaged = await verify(context, shelf, id, model.commit);
    if (damaged.length === 0 && model.complete) {
      await context.write(`${id} is whole: every file has the right hash\n`);
      return EXIT.ok;
    }
    if (damaged.length === 0) {
      throw new CliFailure(EXIT.failed, `${id} is not complete; fetch the rest: ai-sandbox model retry`);
    }
    if (values['repair'] === true) {
      for (const path of damaged) await shelf.remove(id, model.commit, path);
      await fetchAgain(context, shelf, id, damaged.length);
      return EXIT.ok;
    }
    throw new CliFailure(
      EXIT.failed,
      `${damaged.length} of the files of ${id} ${damaged.length === 1 ? 'is' : 'are'} damaged; repair: ai-sandbox model verify --repair ${id}`,
    );
  },
};

/** Prints one line for each file as soon as it is read; returns the paths that are damaged or missing. */
async function verify(context: CliContext, shelf: ModelShelf, id: string, commit: string): Promise<string[]> {
  const damaged: string[] = [];
  for await (const { path, bytes, state, detail } of shelf.verify(id, commit)) {
    const words = state === 'unnamed' ? 'no hash is known for it' : detail;
    await context.write(
      `${state.padEnd(8)} ${formatBytes(bytes).padStart(8)}  ${path}${words === '' ? '' : `: ${words}`}\n`,
    );
    if (state === 'damaged' || state === 'missing') damaged.push(path);
  }
  return damaged;
}

async function fetchAgain(context: CliContext, shelf: ModelShelf, id: string, count: number): Promise<void> {
  const removed = `${count} damaged ${count === 1 ? 'file was' : 'files were'} taken out of the cache`;
  if (id !== shelf.wanted) {
    await context.write(`${removed}; the model is fetched again when MODEL_ID names it\n`);
    return;
  }
  const them = count === 1 ? 'it' : 'them';
  const words = await carryOut(context, '/model/retry').then(
    ({ state, detail }) =>
      state === 'failed'
        ? `${removed}; the daemon does not fetch ${them} yet: ${detail}`
        : `${removed} and the daemon fetches ${them} again; watch it: ai-sandbox status`,
    (error: unknown) => {
      if (!(error instanceof CliFailure)) throw error;
      return `${removed}; the daemon fetches ${them} at its next start (${error.message})`;
    },
  );
  await context.write(`${words}\n`);
}
