import { explainRefusal } from './hub-account.ts';
import {
  checkPathList,
  invalidAnswer,
  nextPage,
  readFileEntry,
  readTreePage,
  type TreeFile,
} from './hub-answers.ts';
import type { HubFiles, PinnedModel } from './hub-files.ts';
import { type HubInfo, readInfo } from './hub-info.ts';
import type { HubSession } from './hub-session.ts';
import { readMistralParams, readModelConfig } from './model-config.ts';
import { configPath, hasChatTemplate, type ModelFacts } from './model-facts.ts';
import { isRevision } from './names.ts';
import { indexesToRead, readIndex, type Selection, selectFiles } from './select-files.ts';
import { type ExaminedModel, type HubFile, ModelError, type ModelIdentifier } from './types.ts';
import { withoutWeights } from './weightless.ts';

/** Most pages of a file list; a page has 1,000 entries on the public hub. */
const MAXIMUM_PAGES = 1000;

/** Largest configuration of a model or a tokenizer that is read. */
const MAXIMUM_CONFIG_BYTES = 16 * 1024 * 1024;

/**
 * Pins a revision to a commit, proves that its files may be fetched, chooses the files of one weight set, and reads what
 * the model says of itself. Nothing of the weights is fetched.
 */
export async function resolveModel(
  session: HubSession,
  files: HubFiles,
  identifier: ModelIdentifier,
  revision: string,
  signal: AbortSignal,
): Promise<ExaminedModel> {
  if (!isRevision(revision)) {
    throw new ModelError({
      code: 'revision_not_found',
      detail: `${JSON.stringify(revision)} is no name of a revision`,
    });
  }
  const known: { info: HubInfo | null; weightBytes: number | null } = { info: null, weightBytes: null };
  try {
    const { id } = identifier;
    const answer = await session.getJson(
      new URL(`${session.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`),
      { id, revision },
      signal,
    );
    const info = readInfo(answer.json);
    known.info = info;
    if (info.disabled)
      throw new ModelError({ code: 'model_disabled', detail: `${id} at ${session.endpoint}` });
    const model = { identifier, commit: info.commit };
    const listed = await listFiles(session, model, signal);
    const paths = listed.map((file) => file.path);
    const guess = selectFiles(paths, new Map());
    known.weightBytes = bytesOf(
      listed,
      guess?.set.weights ?? paths.filter((path) => path.endsWith('.safetensors')),
    );
    const first = guess?.set.weights[0] ?? indexesToRead(paths)[0];
    if (first !== undefined) await files.checkAccess(model, first, signal);
    const selection = selectFiles(paths, await readIndexes(files, model, listed, signal));
    if (selection === null) throw new ModelError(withoutWeights(id, paths, info));
    const wanted = new Set(selection.paths);
    const chosen = listed.filter((file) => wanted.has(file.path)).map(readFileEntry);
    const facts = await readFacts(files, model, chosen, selection, info, signal);
    return { ...model, revision, files: chosen, facts };
  } catch (error) {
    throw await explainRefusal(session, error, { id: identifier.id, ...known }, signal);
  }
}

async function listFiles(session: HubSession, model: PinnedModel, signal: AbortSignal): Promise<TreeFile[]> {
  const { id } = model.identifier;
  const listed: TreeFile[] = [];
  let url: URL | null = new URL(`${session.endpoint}/api/models/${id}/tree/${model.commit}?recursive=true`);
  for (let pages = 0; url !== null; pages += 1) {
    if (pages >= MAXIMUM_PAGES)
      throw invalidAnswer(`the file list of ${id} does not end after ${pages} pages`);
    const page = await session.getJson(url, { id, revision: model.commit }, signal);
    listed.push(...readTreePage(page.json));
    url = nextPage(page.link, url);
  }
  checkPathList(listed);
  return listed;
}

async function readIndexes(
  files: HubFiles,
  model: PinnedModel,
  listed: readonly TreeFile[],
  signal: AbortSignal,
): Promise<Map<string, readonly string[]>> {
  const indexes = new Map<string, readonly string[]>();
  for (const path of indexesToRead(listed.map((file) => file.path))) {
    const entry = listed.find((file) => file.path === path);
    if (entry === undefined) continue;
    const content = await files.readSmall(model, readFileEntry(entry), signal);
    const named = readIndex(content.toString('utf8'));
    if (named !== null) indexes.set(path, named);
  }
  return indexes;
}

async function readFacts(
  files: HubFiles,
  model: PinnedModel,
  chosen: readonly HubFile[],
  { set, paths }: Selection,
  info: HubInfo,
  signal: AbortSignal,
): Promise<ModelFacts> {
  const read = async (path: string | null): Promise<string | null> => {
    const file = chosen.find((one) => one.path === path);
    if (file === undefined || file.sizeBytes > MAXIMUM_CONFIG_BYTES) return null;
    return (await files.readSmall(model, file, signal)).toString('utf8');
  };
  const path = configPath(paths, set.kind === 'consolidated');
  const [configText, tokenizerText] = await Promise.all([read(path), read('tokenizer_config.json')]);
  const parse = path === 'params.json' ? readMistralParams : readModelConfig;
  const config = configText === null ? null : parse(configText);
  const weights = new Set(set.weights);
  return {
    config,
    fileBytes: chosen.reduce((sum, file) => sum + (weights.has(file.path) ? file.sizeBytes : 0), 0),
    parameters: info.parameters,
    chatTemplate: hasChatTemplate(paths, tokenizerText, config),
  };
}

/** Bytes of some listed files, as far as the list tells; for advice only. */
function bytesOf(listed: readonly TreeFile[], paths: readonly string[]): number | null {
  const sizes = listed.filter((file) => paths.includes(file.path)).map((file) => file.size);
  const bytes = sizes.reduce<number>((sum, size) => sum + (typeof size === 'number' ? size : 0), 0);
  return bytes > 0 ? bytes : null;
}
