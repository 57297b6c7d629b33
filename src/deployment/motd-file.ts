import { constants, type Stats } from 'node:fs';
import { chown, lstat, mkdir, open, readFile, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { writeDurably } from '../lib/durable-file.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Finding } from '../status/problem.ts';
import { motdBody } from './motd.ts';
import { mergeMotd, motdBlock } from './motd-block.ts';

/** A motd larger than this is not ours to rewrite: something else is in the file. */
const MAXIMUM_BYTES = 256 * 1024;

/** Links followed before giving up; the kernel's own limit is 40. */
const MAXIMUM_LINKS = 8;

/** Texts that differ only in amounts are written at most this often. */
const PROGRESS_INTERVAL_MS = 10_000;

/**
 * Errors of a replacement by rename after which writing into the file itself may still work: a bind mount (EBUSY, EXDEV),
 * a directory that is read-only or not ours around a file that is neither.
 */
const IN_PLACE_MAY_WORK: readonly (string | null)[] = ['EBUSY', 'EXDEV', 'EROFS', 'EACCES', 'EPERM'];

/** How old the date of a text may become: an older one means that nobody renews it. */
const RENEWAL_INTERVAL_MS = 600_000;

/** How a text is to be written. */
interface MotdChange {
  /** `state`: something a person is told at once; `progress`: only amounts moved, may be skipped. */
  change: 'state' | 'progress';
  /** Also where a person has removed our block: something must be said. */
  insist: boolean;
}

/** The login message as a file. */
export interface MotdFile {
  /**
   * Puts our block into the file unless it says the same already; its date alone is renewed every
   * {@link RENEWAL_INTERVAL_MS}. Returns a finding when it cannot be written; never throws.
   */
  write(block: string, how: MotdChange): Promise<Finding | null>;
}

/** Parts of {@link createMotdFile}. */
export interface MotdFileParts {
  path: string;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Replaces a file as a whole; {@link writeDurably} unless a test makes it fail. */
  replace?: typeof writeDurably;
}

/**
 * Makes the writer of one motd file. Readers see the old or the new text, never a part, except where the file is a mount
 * of its own and cannot be replaced. A symbolic link is kept and its target written; anything but a regular file is refused.
 */
export function createMotdFile({ path, clock, replace = writeDurably }: MotdFileParts): MotdFile {
  let written: { body: string; atMs: number } | null = null;
  let last: Finding | null = null;
  return {
    write: async (block, { change, insist }) => {
      const body = motdBody(block);
      const ageMs = written === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() - written.atMs;
      const same = written?.body === body;
      if (same ? ageMs < RENEWAL_INTERVAL_MS : change === 'progress' && ageMs < PROGRESS_INTERVAL_MS)
        return last;
      try {
        // A text that says nothing new does not bring back what somebody removed.
        await replaceBlock(path, block, { insist: insist && !same, replace });
        written = { body, atMs: clock.monotonicMs() };
        last = null;
      } catch (error) {
        last = { code: 'motd_not_writable', detail: `${path}: ${errorMessage(error)}` };
      }
      return last;
    },
  };
}

async function replaceBlock(
  path: string,
  block: string,
  { insist, replace }: { insist: boolean; replace: typeof writeDurably },
): Promise<void> {
  const target = await followLinks(path);
  const existing = await statOrNull(target);
  if (existing !== null && !existing.isFile()) throw new Error('it is not a regular file');
  if (existing !== null && existing.size > MAXIMUM_BYTES) {
    throw new Error(`it is larger than ${MAXIMUM_BYTES / 1024} KiB`);
  }
  // latin1 keeps every byte of other people's text, whatever its encoding; our own text is ASCII.
  const text = existing === null ? '' : await readFile(target, 'latin1');
  if (motdBlock(text) === null && !insist) return;
  await replaceFile(target, Buffer.from(mergeMotd(text, block), 'latin1'), existing, replace);
}

async function replaceFile(
  target: string,
  content: Uint8Array,
  existing: Stats | null,
  replace: typeof writeDurably,
): Promise<void> {
  if (existing === null) await mkdir(dirname(target), { recursive: true });
  try {
    await replace(target, content, { mode: existing === null ? 0o644 : existing.mode & 0o777 });
    if (existing !== null) await chown(target, existing.uid, existing.gid).catch(() => undefined);
  } catch (error) {
    if (existing === null || !IN_PLACE_MAY_WORK.includes(errorCode(error))) throw error;
    await writeInPlace(target, content);
  }
}

async function writeInPlace(target: string, content: Uint8Array): Promise<void> {
  const file = await open(target, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    let at = 0;
    while (at < content.length) at += (await file.write(content, at, content.length - at, at)).bytesWritten;
    await file.truncate(content.length);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Where a chain of symbolic links ends, also when nothing stands there yet. */
async function followLinks(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links <= MAXIMUM_LINKS; links += 1) {
    const status = await lstat(target).catch(ignoreMissing);
    if (status === null || !status.isSymbolicLink()) return target;
    target = resolve(dirname(target), await readlink(target));
  }
  throw new Error(`more than ${MAXIMUM_LINKS} symbolic links`);
}

async function statOrNull(path: string): Promise<Stats | null> {
  return stat(path).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): null {
  if (errorCode(error) === 'ENOENT') return null;
  throw error;
}
