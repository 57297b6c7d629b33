import { filePathFault, isCommit, isGitSha1, isSha256, isSize, pathListFault } from './names.ts';
import { type HubFile, ModelError } from './types.ts';

/** One entry of a hub's file list that is a file; the name is valid, the hashes are not looked at yet. */
export interface TreeFile {
  path: string;
  size: unknown;
  oid: unknown;
  lfs: unknown;
}

/** The error for an answer whose content cannot be trusted. */
export function invalidAnswer(detail: string): ModelError {
  return new ModelError({ code: 'hub_answer_invalid', detail });
}

/** The commit in an answer of `/api/models/{id}/revision/{rev}`. Throws `hub_answer_invalid`. */
export function readCommit(answer: unknown): string {
  const sha = isRecord(answer) ? answer['sha'] : undefined;
  if (!isCommit(sha)) throw invalidAnswer(`the commit is not 40 hex digits: ${quote(sha)}`);
  return sha;
}

/** The files of one page of `/tree/{rev}`. A hostile name throws `hub_answer_invalid`, whatever the file is. */
export function readTreePage(answer: unknown): TreeFile[] {
  if (!Array.isArray(answer)) throw invalidAnswer('the file list is not a list');
  return answer.flatMap((entry: unknown) => {
    if (!isRecord(entry) || typeof entry['path'] !== 'string') {
      throw invalidAnswer(`the file list has an entry without a path: ${quote(entry)}`);
    }
    const path = entry['path'];
    const fault = filePathFault(path);
    if (fault !== null) throw invalidAnswer(`the file name ${quote(path)} is not allowed: ${fault}`);
    return entry['type'] === 'file'
      ? [{ path, size: entry['size'], oid: entry['oid'], lfs: entry['lfs'] }]
      : [];
  });
}

/** Throws `hub_answer_invalid` when the names cannot stand beside each other. */
export function checkPathList(files: readonly TreeFile[]): void {
  const fault = pathListFault(files.map((file) => file.path));
  if (fault !== null) throw invalidAnswer(`the file list is not possible: ${fault}`);
}

/** A listed file with its hash: sha256 for large (LFS) ones, git's sha1 for small ones. Throws `hub_answer_invalid`. */
export function readFileEntry(file: TreeFile): HubFile {
  if (isRecord(file.lfs)) {
    const { oid, size } = file.lfs;
    if (!isSha256(oid) || !isSize(size)) {
      throw invalidAnswer(
        `the hash or size of ${quote(file.path)} is not valid: ${quote(oid)}, ${quote(size)}`,
      );
    }
    return { path: file.path, sizeBytes: size, etag: oid, hash: { algorithm: 'sha256', hex: oid } };
  }
  const { oid, size } = file;
  if (!isGitSha1(oid) || !isSize(size)) {
    throw invalidAnswer(
      `the hash or size of ${quote(file.path)} is not valid: ${quote(oid)}, ${quote(size)}`,
    );
  }
  return { path: file.path, sizeBytes: size, etag: oid, hash: { algorithm: 'git-sha1', hex: oid } };
}

/**
 * The address of the next page in a `Link` header (`<…>; rel="next"`) of the page at `url`, or null. One that leads to
 * another host throws `hub_answer_invalid`.
 */
export function nextPage(link: string | null, url: URL): URL | null {
  const match = link === null ? null : /<([^<>]+)>\s*;[^,]*\brel="?next"?/.exec(link);
  const address = match?.[1];
  if (address === undefined) return null;
  if (!URL.canParse(address, url.href)) {
    throw invalidAnswer(`the next page of the file list has no valid address: ${quote(address)}`);
  }
  const next = new URL(address, url);
  if (next.origin === url.origin) return next;
  throw invalidAnswer(`the next page of the file list is on another host: ${next.host}`);
}

/** First byte and full size in `Content-Range: bytes 5-9/10`, or null when it says neither. */
export function readContentRange(value: string | null): { start: number; size: number } | null {
  const match = value === null ? null : /^bytes (\d+)-\d+\/(\d+)$/.exec(value.trim());
  return match === null ? null : { start: Number(match[1]), size: Number(match[2]) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
