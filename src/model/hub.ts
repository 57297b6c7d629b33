import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../lib/clock.ts';
import { DeadlineError, withDeadline } from '../lib/deadline.ts';
import { isWhole } from './file-hash.ts';
import {
  checkPathList,
  invalidAnswer,
  nextPage,
  readCommit,
  readContentRange,
  readFileEntry,
  readTreePage,
  type TreeFile,
} from './hub-answers.ts';
import { readRefusal, refusalToError } from './hub-errors.ts';
import { createHubDispatcher, discard, type HttpAnswer, readBody, send, unreachableHub } from './hub-http.ts';
import { isRevision } from './names.ts';
import { indexesToRead, readIndex, selectFiles } from './select-files.ts';
import { type HubFile, ModelError, type ModelIdentifier, type ResolvedModel } from './types.ts';

/** Longest wait for the answer to one request; for a file: until its first header. */
const ANSWER_DEADLINE_MS = 30_000;
/** Largest JSON answer or index file that is read into memory. */
const MAXIMUM_JSON_BYTES = 64 * 1024 * 1024;
/** Most pages of a file list; a page has 1,000 entries on the public hub. */
const MAXIMUM_PAGES = 1000;

/** The bytes of a file from `startByte` on. */
interface OpenedFile {
  /** Where the bytes begin: `fromByte` as asked, or 0 when the other side ignores ranges. */
  startByte: number;
  body: Readable;
}

/** A model hub: what it has, and the bytes of its files. Every failure with a name is a {@link ModelError}. */
export interface Hub {
  /** Pins the revision to a commit, checks that its files may be fetched, and chooses the files of one weight set. */
  resolve(identifier: ModelIdentifier, revision: string, signal: AbortSignal): Promise<ResolvedModel>;
  /**
   * Opens a file at a byte. The address is asked for anew each time, so an expired signed one never comes back.
   * The caller must read the body to its end or destroy it; it ends with an error when the connection does.
   */
  openFile(
    model: Pick<ResolvedModel, 'identifier' | 'commit'>,
    file: HubFile,
    fromByte: number,
    signal: AbortSignal,
  ): Promise<OpenedFile>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

/** What {@link createHub} needs. */
export interface HubOptions {
  /** Address of the hub, already checked (endpoint.ts); a slash at its end is dropped. */
  endpoint: string;
  /** Read anew for each request. */
  token: () => string | null;
  clock: Clock;
  /** Replaces the connections, in tests. */
  dispatcher?: Dispatcher;
}

/**
 * A hub over HTTP. It is asked only `/api/models/{id}/revision/{rev}`, `/api/models/{id}/tree/{commit}` and
 * `/{id}/resolve/{commit}/{path}`: mirrors offer little more.
 */
export function createHub(options: HubOptions): Hub {
  const { clock } = options;
  const endpoint = options.endpoint.replace(/\/+$/, '');
  const hub = new URL(endpoint);
  let opened: Promise<Dispatcher> | null = null;
  const dispatcher = (): Promise<Dispatcher> => {
    opened ??=
      options.dispatcher === undefined ? createHubDispatcher(hub) : Promise.resolve(options.dispatcher);
    return opened;
  };

  const answerTo = async (
    method: 'GET' | 'HEAD',
    url: URL,
    signal: AbortSignal,
    extra: { headers?: Record<string, string>; leaveHub?: boolean } = {},
  ): Promise<HttpAnswer> =>
    send(await dispatcher(), hub, options.token(), {
      method,
      url,
      headers: extra.headers ?? {},
      leaveHub: extra.leaveHub ?? false,
      signal,
    });

  const refuse = async (
    answer: HttpAnswer,
    identifier: ModelIdentifier,
    revision: string,
  ): Promise<never> => {
    await discard(answer);
    const token = options.token();
    if (!answer.fromHub && answer.status !== 429) {
      throw unreachableHub(answer.url, `answered ${answer.status} for a file of ${identifier.id}`);
    }
    throw refusalToError(
      readRefusal(answer, token),
      { endpoint, id: identifier.id, revision, withToken: token !== null },
      clock.now(),
    );
  };

  const limited = async <T>(
    url: URL,
    signal: AbortSignal,
    call: (s: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    try {
      return await withDeadline(clock, url.host, ANSWER_DEADLINE_MS, call, signal);
    } catch (error) {
      throw error instanceof DeadlineError ? unreachableHub(url, error) : error;
    }
  };

  const getJson = (url: URL, identifier: ModelIdentifier, revision: string, signal: AbortSignal) =>
    limited(url, signal, async (inner) => {
      const answer = await answerTo('GET', url, inner, { headers: { accept: 'application/json' } });
      if (answer.status !== 200) return refuse(answer, identifier, revision);
      const text = (await readBody(answer, MAXIMUM_JSON_BYTES)).toString('utf8');
      try {
        return { json: JSON.parse(text) as unknown, link: answer.header('link') };
      } catch {
        // A proxy's or a provider's page in the hub's place; it goes away without a change here.
        throw unreachableHub(
          url,
          `answered something that is not JSON: ${JSON.stringify(text.slice(0, 80))}`,
        );
      }
    });

  const listFiles = async (identifier: ModelIdentifier, commit: string, signal: AbortSignal) => {
    const files: TreeFile[] = [];
    let url: URL | null = new URL(`${endpoint}/api/models/${identifier.id}/tree/${commit}?recursive=true`);
    for (let pages = 0; url !== null; pages += 1) {
      if (pages >= MAXIMUM_PAGES)
        throw invalidAnswer(`the file list of ${identifier.id} does not end after ${pages} pages`);
      const page = await getJson(url, identifier, commit, signal);
      files.push(...readTreePage(page.json));
      url = nextPage(page.link, url);
    }
    checkPathList(files);
    return files;
  };

  const resolveUrl = (model: Pick<ResolvedModel, 'identifier' | 'commit'>, path: string) =>
    new URL(
      `${endpoint}/${model.identifier.id}/resolve/${model.commit}/${path.split('/').map(encodeURIComponent).join('/')}`,
    );

  /** The API answers 200 for gated models too; only the address of a file proves that it may be fetched. */
  const checkAccess = (
    model: Pick<ResolvedModel, 'identifier' | 'commit'>,
    path: string,
    signal: AbortSignal,
  ) => {
    const url = resolveUrl(model, path);
    return limited(url, signal, async (inner) => {
      const answer = await answerTo('HEAD', url, inner);
      if (answer.status >= 400) return refuse(answer, model.identifier, model.commit);
      return discard(answer);
    });
  };

  const openFile: Hub['openFile'] = async (model, file, fromByte, signal) => {
    const url = resolveUrl(model, file.path);
    // The deadline ends with the headers; the body then lives as long as the caller's signal.
    const late = new AbortController();
    const headers: Record<string, string> = fromByte > 0 ? { range: `bytes=${fromByte}-` } : {};
    const answer = await limited(url, signal, () =>
      answerTo('GET', url, AbortSignal.any([signal, late.signal]), { leaveHub: true, headers }),
    ).catch((error: unknown) => {
      late.abort(error);
      throw error;
    });
    if (answer.status === 200) return { startByte: 0, body: answer.body };
    if (answer.status !== 206) {
      // The body of a refusal may never end; the connection goes with it.
      return limited(url, signal, () => refuse(answer, model.identifier, model.commit)).finally(() =>
        late.abort(),
      );
    }
    const range = readContentRange(answer.header('content-range'));
    if (range === null || range.start !== fromByte || range.size !== file.sizeBytes) {
      answer.body.destroy();
      throw invalidAnswer(
        `${answer.url.host} sent another part of ${file.path} than asked: ${answer.header('content-range')}`,
      );
    }
    return { startByte: fromByte, body: answer.body };
  };

  const readIndexes = async (
    model: Pick<ResolvedModel, 'identifier' | 'commit'>,
    files: readonly TreeFile[],
    signal: AbortSignal,
  ) => {
    const indexes = new Map<string, readonly string[]>();
    for (const path of indexesToRead(files.map((file) => file.path))) {
      const listed = files.find((file) => file.path === path);
      if (listed === undefined) continue;
      const file = readFileEntry(listed);
      const url = resolveUrl(model, path);
      const content = await limited(url, signal, async (inner) => {
        const { body } = await openFile(model, file, 0, inner);
        return readBody({ body: body as HttpAnswer['body'], url }, MAXIMUM_JSON_BYTES);
      });
      if (!isWhole(content, file)) throw unreachableHub(url, `${path} arrived damaged`);
      const named = readIndex(content.toString('utf8'));
      if (named !== null) indexes.set(path, named);
    }
    return indexes;
  };

  return {
    openFile,
    close: async () => {
      await (await opened)?.close();
    },
    async resolve(identifier, revision, signal) {
      if (!isRevision(revision)) {
        throw new ModelError({
          code: 'revision_not_found',
          detail: `${JSON.stringify(revision)} is no name of a revision`,
        });
      }
      const info = await getJson(
        new URL(`${endpoint}/api/models/${identifier.id}/revision/${encodeURIComponent(revision)}`),
        identifier,
        revision,
        signal,
      );
      const model = { identifier, commit: readCommit(info.json) };
      const listed = await listFiles(identifier, model.commit, signal);
      const paths = listed.map((file) => file.path);
      const first = selectFiles(paths, new Map())?.set.weights[0] ?? indexesToRead(paths)[0];
      if (first !== undefined) await checkAccess(model, first, signal);
      const selection = selectFiles(paths, await readIndexes(model, listed, signal));
      if (selection === null) {
        throw new ModelError({
          code: 'model_without_weights',
          detail: `${identifier.id} at ${model.commit.slice(0, 12)} has no weights that vLLM loads`,
        });
      }
      const wanted = new Set(selection.paths);
      return { ...model, files: listed.filter((file) => wanted.has(file.path)).map(readFileEntry) };
    },
  };
}
