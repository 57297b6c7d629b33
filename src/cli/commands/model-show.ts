import { formatBytes, formatBytesOf } from '../../lib/human.ts';
import type { ModelView, Status } from '../../status/schema.ts';
import { askForJson } from '../client.ts';
import type { CliContext, Command, ModelShelf, ShelvedModel } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';

export const modelShowCommand: Command = {
  name: 'model show',
  synopsis: '[--json]',
  summary: 'show the model, how it fits into the memory, and what is in the cache',
  details: ['With the daemon down it shows the cache alone.'],
  options: { json: { type: 'boolean' } },
  optionHelp: [
    [
      '--json',
      'everything as JSON: {"model", "cache"}; "model" is that of GET /status, null without the daemon',
    ],
  ],
  maximumPositionals: 0,
  async run(context, { values }) {
    const { model, failure } = await askForModel(context);
    const shelf = await context.openShelf().catch((error: unknown) => {
      // With the daemon's answer there is still something to show.
      if (model === null || !(error instanceof CliFailure)) throw error;
      context.complain(error.message);
      return null;
    });
    const models = shelf === null ? [] : await shelf.list();
    if (values['json'] === true) {
      const cache = shelf === null ? null : { directory: shelf.directory, wanted: shelf.wanted, models };
      await context.write(`${JSON.stringify({ model, cache }, null, 2)}\n`);
      return EXIT.ok;
    }
    if (failure !== null) context.complain(failure);
    const parts = [
      ...(model === null ? [] : describe(model)),
      ...(shelf === null ? [] : listing(shelf, models)),
    ];
    await context.write(`${parts.join('\n')}\n`);
    return EXIT.ok;
  },
};

async function askForModel(
  context: CliContext,
): Promise<{ model: ModelView | null; failure: string | null }> {
  const { socketPath, listen } = context.settings;
  for (const place of [{ socketPath }, listen]) {
    try {
      const status = (await askForJson(place, 'GET', '/status', context.clock)) as Partial<Status> | null;
      if (status?.model !== undefined) return { model: status.model, failure: null };
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      if (place === listen) return { model: null, failure: error.message };
    }
  }
  return { model: null, failure: 'the daemon answered in a form this command does not know' };
}

function describe(model: ModelView): string[] {
  const { download, memory_fit: fit, problem } = model;
  const commit = model.revision === null ? '' : ` at ${model.revision.slice(0, 12)}`;
  const pinned = model.pinned ? ' (pinned by the environment of the daemon)' : '';
  const rows: [string, string][] = [
    ['Model', `${model.model_identifier ?? 'none: set MODEL_ID in .env'}${commit}${pinned}`],
    ['Download', `${model.download_status}${amount(download)}`],
    ['State', `${model.configuration_state}, ${model.active_status ? 'answers' : 'does not answer'}`],
  ];
  const memory = fitWords(fit);
  if (memory !== '') rows.push(['Memory', memory]);
  if (problem !== null) {
    rows.push(
      ['Problem', `${problem.title} (${problem.code})`],
      ['', problem.detail],
      ['Remedy', problem.remedy],
    );
  }
  return [...rows.map(([name, text]) => `${name.padEnd(10)} ${text}`.trimEnd()), ''];
}

function amount({ bytes_done: done, bytes_total: total, files_done: files }: ModelView['download']): string {
  if (done === null || total === null) return '';
  return `, ${formatBytesOf(done, total)}${files === null ? '' : `, ${files} files`}`;
}

/** In words of people what {@link ModelView} says of the memory; '' while nothing is known. */
function fitWords(fit: ModelView['memory_fit']): string {
  if (fit.weights_bytes === null) return '';
  const parts = [`${formatBytes(fit.weights_bytes)} of weights`];
  if (fit.kv_cache_bytes_per_token !== null) {
    parts.push(`${formatBytes(fit.kv_cache_bytes_per_token)} of cache for each token`);
  }
  if (fit.max_model_len !== null && fit.max_model_len > 0) {
    parts.push(`up to ${fit.max_model_len.toLocaleString('en')} tokens of context`);
  }
  const verdict = fit.verdict === null ? '' : `: ${fit.verdict.replaceAll('_', ' ')} (estimate)`;
  return `${parts.join(', ')}${verdict}`;
}

function listing(shelf: ModelShelf, models: readonly ShelvedModel[]): string[] {
  if (models.length === 0) return [`Cache      ${shelf.directory}: empty`];
  const width = Math.max(...models.map(({ id }) => id.length));
  return [
    `Cache      ${shelf.directory}`,
    ...models.map((model) => {
      const state = model.complete ? `complete, ${model.files} files` : 'not complete';
      const mark = model.id === shelf.wanted ? '*' : ' ';
      return ` ${mark} ${model.id.padEnd(width)}  ${state}, ${formatBytes(model.bytes)}`;
    }),
  ];
}
