/** Longest name of one directory entry that Linux file systems take. */
const MAXIMUM_SEGMENT_BYTES = 255;

/** Longest whole path accepted from a hub; far below PATH_MAX, so that the cache's own prefix fits before it. */
const MAXIMUM_PATH_BYTES = 1024;

/**
 * Says why a file path that a hub sent must not be used, or null when it may. Allowed is a relative path of plain
 * segments; refused are absolute paths, `.` and `..`, empty segments, backslashes, NUL and control characters,
 * unpaired surrogates, and names too long for the file system.
 */
export function filePathFault(path: string): string | null {
  if (path === '') return 'it is empty';
  if (path.startsWith('/')) return 'it is absolute';
  if (path.includes('\\')) return 'it has a backslash';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return 'it has a control character';
  if (!path.isWellFormed()) return 'it is not valid Unicode';
  if (Buffer.byteLength(path) > MAXIMUM_PATH_BYTES) return `it is longer than ${MAXIMUM_PATH_BYTES} bytes`;
  for (const segment of path.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return `it has the segment "${segment}"`;
    if (Buffer.byteLength(segment) > MAXIMUM_SEGMENT_BYTES) {
      return `it has a name longer than ${MAXIMUM_SEGMENT_BYTES} bytes`;
    }
  }
  return null;
}

/**
 * Says why a list of paths, each fine by itself, cannot be laid out as files: a name twice, or a name that is a file
 * in one entry and a directory in another. Null when it can.
 */
export function pathListFault(paths: readonly string[]): string | null {
  const files = new Set<string>();
  for (const path of paths) {
    if (files.has(path)) return `${JSON.stringify(path)} is listed twice`;
    files.add(path);
  }
  for (const path of paths) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (files.has(path.slice(0, at)))
        return `${JSON.stringify(path.slice(0, at))} is a file and a directory`;
    }
  }
  return null;
}

/** True for a commit of the hub: exactly 40 lowercase hex digits. */
export function isCommit(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{40}$/.test(text);
}

/** True for a git blob's sha1: exactly 40 lowercase hex digits. */
export function isGitSha1(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{40}$/.test(text);
}

/** True for a sha256: exactly 64 lowercase hex digits. */
export function isSha256(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
}

/** True for a branch, tag or commit name that can stand in an address of the hub. */
export function isRevision(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._/-]{0,250}$/.test(text) && !text.includes('..') && !text.includes('//');
}

/** A size in bytes as a hub sends it: a whole number that JavaScript counts exactly. */
export function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
