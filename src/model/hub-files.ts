import type { Readable } from 'node:stream';
import { isWhole } from './file-hash.ts';
import { invalidAnswer, readContentRange } from './hub-answers.ts';
import { discard, type HttpAnswer, readBody, unreachableHub } from './hub-http.ts';
import { type HubSession, MAXIMUM_JSON_BYTES } from './hub-session.ts';
import type { HubFile, ResolvedModel } from './types.ts';

/** A model pinned to a commit. */
export type PinnedModel = Pick<ResolvedModel, 'identifier' | 'commit'>;

/** The bytes of a file from `startByte` on. */
export interface OpenedFile {
  /** Where the bytes begin: `fromByte` as asked, or 0 when the other side ignores ranges. */
  startByte: number;
  body: Readable;
}

/** The files of models on one hub, at `/{id}/resolve/{commit}/{path}`. */
export interface HubFiles {
  /**
   * Opens a file at a byte. The address is asked for anew each time, so an expired signed one never comes back.
   * The caller must read the body to its end or destroy it; it ends with an error when the connection does.
   */
  openFile(model: PinnedModel, file: HubFile, fromByte: number, signal: AbortSignal): Promise<OpenedFile>;
  /** A small file as a whole, its hash checked. */
  readSmall(model: PinnedModel, file: HubFile, signal: AbortSignal): Promise<Buffer>;
  /** Throws what keeps a file from being fetched. The API answers 200 for gated models too; only this proves access. */
  checkAccess(model: PinnedModel, path: string, signal: AbortSignal): Promise<void>;
}

/** Files as a session reaches them. */
export function createHubFiles(session: HubSession): HubFiles {
  const resolveUrl = (model: PinnedModel, path: string) =>
    new URL(
      `${session.endpoint}/${model.identifier.id}/resolve/${model.commit}/${path.split('/').map(encodeURIComponent).join('/')}`,
    );
  const subjectOf = (model: PinnedModel) => ({ id: model.identifier.id, revision: model.commit });

  const openFile: HubFiles['openFile'] = async (model, file, fromByte, signal) => {
    const url = resolveUrl(model, file.path);
    // The deadline ends with the headers; the body then lives as long as the caller's signal.
    const late = new AbortController();
    const headers: Record<string, string> = fromByte > 0 ? { range: `bytes=${fromByte}-` } : {};
    const answer = await session
      .limited(url, signal, () =>
        session.ask('GET', url, AbortSignal.any([signal, late.signal]), { leaveHub: true, headers }),
      )
      .catch((error: unknown) => {
        late.abort(error);
        throw error;
      });
    if (answer.status === 200) return { startByte: 0, body: answer.body };
    if (answer.status !== 206) {
      // The body of a refusal may never end; the connection goes with it.
      return session
        .limited(url, signal, () => session.refuse(answer, subjectOf(model)))
        .finally(() => late.abort());
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

  return {
    openFile,
    async readSmall(model, file, signal) {
      const url = resolveUrl(model, file.path);
      const content = await session.limited(url, signal, async (inner) => {
        const { body } = await openFile(model, file, 0, inner);
        return readBody({ body: body as HttpAnswer['body'], url }, MAXIMUM_JSON_BYTES);
      });
      if (!isWhole(content, file)) throw unreachableHub(url, `${file.path} arrived damaged`);
      return content;
    },
    checkAccess(model, path, signal) {
      const url = resolveUrl(model, path);
      return session.limited(url, signal, async (inner) => {
        const answer = await session.ask('HEAD', url, inner);
        if (answer.status >= 400) return session.refuse(answer, subjectOf(model));
        return discard(answer);
      });
    },
  };
}
