import type { Log } from '../../lib/log.ts';
import { notWritable } from '../cache.ts';
import { type HubFile, ModelError } from '../types.ts';
import type { FileStore, OpenFile } from './file-store.ts';
import type { FileProgress } from './plan.ts';
import { countBytes, missingRanges, prefixLength } from './ranges.ts';
import { NO_REST, type Rest } from './rest.ts';

/** Another version of a file answers than the one that the first bytes were of. */
export class VersionError extends Error {
  constructor(path: string) {
    super(`${path} changed while it was fetched`);
    this.name = 'VersionError';
  }
}

/** One file on its way: open, its bytes counted, its hash following, its versions watched. */
export interface FileTrack {
  readonly file: HubFile;
  /** What the planner sees of it. */
  readonly progress: Omit<FileProgress, 'closed'>;
  readonly presentBytes: number;
  readonly unclaimedBytes: number;
  /** Every byte is there. */
  readonly whole: boolean;
  /** Being fetched, being verified, or in its place. */
  stage: 'fetching' | 'verifying' | 'done';
  /** The other side ignores ranges. */
  sequential: boolean;
  /** How many times in a row its connections ended without bringing a byte. */
  barrenInRow: number;
  /** No part of it is begun meanwhile. */
  rest: Rest;
  /** Ends its connections. */
  stop: AbortController;
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  claim(): Promise<void>;
  /** Notes which version an answer is of. Throws {@link VersionError} when it is another one than before. */
  seeVersion(version: string | null): void;
  /**
   * Syncs the file, compares its hash and gives the blob its name. False when its content was wrong and it was set
   * aside, to be fetched once more; the second time that throws `model_checksum_mismatch`. Throws the reason of a signal that
   * aborts before the hash is there.
   */
  verify(signal: AbortSignal): Promise<boolean>;
  /** Begins again from nothing. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file where it was left. */
export async function trackFile(store: FileStore, log: Log, file: HubFile): Promise<FileTrack> {
  let opened: OpenFile = await store.open(file);
  let version: string | null = null;
  let versionsVary = false;
  let mismatches = 0;
  const followPrefix = () => opened.hash.upTo(prefixLength(opened.partial.present));
  const closeOpened = async () => {
    opened.hash.forget();
    await opened.partial.close();
  };
  const reopen = async () => {
    version = null;
    opened = await store.open(file);
    followPrefix();
  };
  followPrefix();

  const track: FileTrack = {
    file,
    stage: 'fetching',
    sequential: false,
    barrenInRow: 0,
    rest: NO_REST,
    stop: new AbortController(),
    get progress() {
      return {
        sizeBytes: file.sizeBytes,
        present: opened.partial.present,
        sequential: track.sequential,
      };
    },
    get presentBytes() {
      return countBytes(opened.partial.present);
    },
    get unclaimedBytes() {
      return opened.partial.unclaimedBytes;
    },
    get whole() {
      return missingRanges(opened.partial.present, file.sizeBytes).length === 0;
    },
    async write(buffers, position) {
      await opened.partial.write(buffers, position);
      followPrefix();
    },
    claim: () => opened.partial.claim(),
    seeVersion(seen) {
      // A weak tag promises nothing about bytes, and nodes of one CDN may name the same bytes differently.
      if (versionsVary || seen === null || seen.startsWith('W/')) return;
      version ??= seen;
      if (version === seen) return;
      versionsVary = true;
      throw new VersionError(file.path);
    },
    async verify(signal) {
      const claimed = opened.partial.claim().catch((error: unknown) => {
        throw notWritable(file.path, error);
      });
      // Reading a large file again takes minutes.
      const [hex] = await unlessAborted(Promise.all([opened.hash.result, claimed]), signal);
      await closeOpened();
      if (hex === file.hash.hex) {
        await store.keep(file);
        return true;
      }
      await store.setAside(file);
      mismatches += 1;
      const detail = `${file.path}: ${file.hash.algorithm} is ${hex}, the hub announces ${file.hash.hex}`;
      if (mismatches > 1) throw new ModelError({ code: 'model_checksum_mismatch', detail });
      log.warn('a file arrived damaged and is fetched once more', { detail });
      await reopen();
      return false;
    },
    async restart() {
      await closeOpened();
      await store.discard(file);
      await reopen();
    },
    close: closeOpened,
  };
  return track;
}

/** What a promise brings, or the reason of a signal that aborts before. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
