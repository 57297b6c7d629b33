import { isWhole } from './file-hash.ts';
import { invalidAnswer, readContentRange } from './hub-answers.ts';
import { discard, readBody, unreachableHub } from './hub-http.ts';
import { type AnswerHead, type HubSession, MAXIMUM_JSON_BYTES } from './hub-session.ts';
import type { HubFile, ResolvedModel } from './types.ts';

/** A model pinned to a commit. */
export type PinnedModel = Pick<ResolvedModel, 'identifier' | 'commit'>;

/** A question for some bytes of a file, and what is done with the answer. */
export interface RangeQuestion {
  model: PinnedModel;
  file: HubFile;
  fromByte: number;
  /** One behind the last byte. */
  toByte: number;
  /**
   * Told once, before the bytes: where they begin (0 when the other side ignores ranges) and what version of the file
   * they are of, where the other side names one. What it throws ends the connection.
   */
  onAnswer(answer: { startByte: number; version: string | null }): void;
  /** The next bytes; a promise pauses the connection until it resolves. What it throws ends the connection. */
  onBytes(chunk: Buffer): Promise<void> | undefined;
}

/** The files of models on one hub, at `/{id}/resolve/{commit}/{path}`. */
export interface HubFiles {
  /**
   * Fetches some bytes of a file; resolves when the answer has ended, which may be before `toByte`. The address that
   * the hub names is kept for the next question, and asked for anew when it is no longer accepted. Has no deadline.
   * Throws what a refusal means; a transient `hub_unreachable` for a page in the place of the file, or another size than the
   * announced one, and `hub_answer_invalid` for other bytes than those asked for, also for that size when it comes again.
   */
  fetchRange(question: RangeQuestion, signal: AbortSignal): Promise<void>;
  /** Whether the next question for bytes of a file goes past the hub, to an address that it has named. */
  hasAddress(file: HubFile): boolean;
  /** Forgets the address of a file, so that the next question asks the hub for it. */
  forgetAddress(file: HubFile): void;
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

  /** Signed addresses outside the hub by etag. */
  const addresses = new Map<string, URL>();
  /** Sizes, by etag, that came in the place of the announced one. */
  const strangeSizes = new Map<string, string>();

  const fetchRange: HubFiles['fetchRange'] = async (question, signal) => {
    const { model, file, fromByte, toByte } = question;
    const known = addresses.get(file.etag);
    const whole = fromByte === 0 && toByte === file.sizeBytes;
    // Connections that were opened together and meet the same page count once.
    const strangeBefore = strangeSizes.get(file.etag);
    const head = await session.stream(
      known ?? resolveUrl(model, file.path),
      whole ? {} : { range: `bytes=${fromByte}-${toByte - 1}` },
      {
        onHead(answer) {
          if (answer.status !== 200 && answer.status !== 206) return false;
          const strange = strangeAnswer(answer, file);
          if (strange !== null) {
            addresses.delete(file.etag);
            if (strange.size !== null && strange.size === strangeBefore) throw invalidAnswer(strange.detail);
            if (strange.size !== null) strangeSizes.set(file.etag, strange.size);
            throw unreachableHub(answer.url, strange.detail);
          }
          const startByte = answeredStart(answer, question);
          if (!answer.fromHub) addresses.set(file.etag, answer.url);
          question.onAnswer({ startByte, version: answer.header('etag') });
          return true;
        },
        onBytes: question.onBytes,
      },
      signal,
    );
    if (head.status === 200 || head.status === 206) return;
    if (known !== undefined && head.status !== 429 && head.status < 500) {
      // Signed addresses expire; the hub has a fresh one.
      if (addresses.get(file.etag) === known) addresses.delete(file.etag);
      return fetchRange(question, signal);
    }
    throw session.refusal(head, subjectOf(model));
  };

  return {
    fetchRange,
    hasAddress: (file) => addresses.has(file.etag),
    forgetAddress: (file) => addresses.delete(file.etag),
    async readSmall(model, file, signal) {
      const url = resolveUrl(model, file.path);
      const content = await session.limited(url, signal, async (inner) => {
        const answer = await session.ask('GET', url, inner, { leaveHub: true });
        return answer.status === 200
          ? readBody(answer, MAXIMUM_JSON_BYTES)
          : session.refuse(answer, subjectOf(model));
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

/** Something else than the file: a proxy's or a provider's page in its place, or another size than the announced one. */
function strangeAnswer(answer: AnswerHead, file: HubFile): { size: string | null; detail: string } | null {
  if (/^text\/html\b/i.test(answer.header('content-type') ?? '')) {
    return { size: null, detail: `a page came in the place of ${file.path}` };
  }
  const size =
    answer.status === 200
      ? answer.header('content-length')
      : readContentRange(answer.header('content-range'))?.size.toString();
  if (size === null || size === undefined || Number(size) === file.sizeBytes) return null;
  const detail = `${file.path} has ${size} bytes at ${answer.url.host}, the hub announces ${file.sizeBytes}`;
  return { size, detail };
}

/** The byte at which an answer begins. Throws when it is of another part than asked for. */
function answeredStart(answer: AnswerHead, { file, fromByte }: RangeQuestion): number {
  if (answer.status === 200) return 0;
  const range = readContentRange(answer.header('content-range'));
  if (range?.start === fromByte) return fromByte;
  throw invalidAnswer(
    `${answer.url.host} sent another part of ${file.path} than asked: ${answer.header('content-range')}`,
  );
}
