import {
  checkPathList,
  invalidAnswer,
  nextPage,
  readCommit,
  readFileEntry,
  readTreePage,
  type TreeFile,
} from './hub-answers.ts';
import type { HubFiles, PinnedModel } from './hub-files.ts';
import type { HubSession } from './hub-session.ts';
import { isRevision } from './names.ts';
import { indexesToRead, readIndex, selectFiles } from './select-files.ts';
import { ModelError, type ModelIdentifier, type ResolvedModel } from './types.ts';

/** Most pages of a file list; a page has 1,000 entries on the public hub. */
const MAXIMUM_PAGES = 1000;

/** Pins a revision to a commit, proves that its files may be fetched, and chooses the files of one weight set. */
export async function resolveModel(
  session: HubSession,
  files: HubFiles,
  identifier: ModelIdentifier,
  revision: string,
  signal: AbortSignal,
): Promise<ResolvedModel> {
  if (!isRevision(revision)) {
    throw new ModelError({
      code: 'revision_not_found',
      detail: `${JSON.stringify(revision)} is no name of a revision`,
    });
  }
  const info = await session.getJson(
    new URL(`${session.endpoint}/api/models/${identifier.id}/revision/${encodeURIComponent(revision)}`),
    { id: identifier.id, revision },
    signal,
  );
  const model = { identifier, commit: readCommit(info.json) };
  const listed = await listFiles(session, model, signal);
  const paths = listed.map((file) => file.path);
  const first = selectFiles(paths, new Map())?.set.weights[0] ?? indexesToRead(paths)[0];
  if (first !== undefined) await files.checkAccess(model, first, signal);
  const selection = selectFiles(paths, await readIndexes(files, model, listed, signal));
  if (selection === null) {
    throw new ModelError({
      code: 'model_without_weights',
      detail: `${identifier.id} at ${model.commit.slice(0, 12)} has no weights that vLLM loads`,
    });
  }
  const wanted = new Set(selection.paths);
  return { ...model, files: listed.filter((file) => wanted.has(file.path)).map(readFileEntry) };
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
