import type { Clock } from '../../lib/clock.ts';
import type { DownloadView } from '../../status/schema.ts';
import type { HubFile } from '../types.ts';

/** The rate is that of the last so many milliseconds. */
const RATE_WINDOW_MS = 10_000;
/** Samples of the rate are at least so far apart. */
const SAMPLE_EVERY_MS = 250;

/**
 * Counts a download. What it shows never goes back and stays one byte short of the total: only a model that is in
 * place, every file verified, is shown as whole ({@link completeDownload}).
 */
export interface DownloadMeter {
  /** Bytes of a blob that are there now, and how many of them just came over the network. */
  present(etag: string, bytes: number, received: number): void;
  /** A blob is whole and its hash was right. */
  verified(etag: string): void;
  view(): DownloadView;
}

/** A view of nothing known. */
export const UNKNOWN_DOWNLOAD: DownloadView = {
  bytes_done: null,
  bytes_total: null,
  bytes_per_second: null,
  eta_seconds: null,
  files_done: null,
  files_total: null,
};

/** The view of a model that is completely there. */
export function completeDownload(bytes: number, files: number): DownloadView {
  return {
    bytes_done: bytes,
    bytes_total: bytes,
    bytes_per_second: null,
    eta_seconds: null,
    files_done: files,
    files_total: files,
  };
}

/**
 * Counts the files of one model; several files of the same content share a blob and are counted each.
 * `floorBytes` is what an interrupted attempt has already shown.
 */
export function createDownloadMeter(
  files: readonly HubFile[],
  clock: Pick<Clock, 'monotonicMs'>,
  floorBytes = 0,
): DownloadMeter {
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const present = new Map<string, number>();
  const verified = new Set<string>();
  let shown = Math.min(floorBytes, Math.max(0, total - 1));
  let received = 0;
  let samples: { atMs: number; received: number }[] = [{ atMs: clock.monotonicMs(), received: 0 }];

  const sample = () => {
    const atMs = clock.monotonicMs();
    const last = samples.at(-1);
    if (last !== undefined && atMs - last.atMs < SAMPLE_EVERY_MS) return;
    samples.push({ atMs, received });
    // The newest sample that is older than the window is its left end.
    const left = samples.findLastIndex((one) => atMs - one.atMs >= RATE_WINDOW_MS);
    if (left > 0) samples = samples.slice(left);
  };
  const rate = (): number | null => {
    const [first] = samples;
    const atMs = clock.monotonicMs();
    if (first === undefined || atMs - first.atMs < SAMPLE_EVERY_MS) return null;
    return Math.round(((received - first.received) / (atMs - first.atMs)) * 1000);
  };
  const done = (): number => {
    const there = files.reduce((sum, file) => sum + (present.get(file.etag) ?? 0), 0);
    return Math.min(there, Math.max(0, total - 1));
  };

  return {
    present(etag, bytes, fresh) {
      present.set(etag, bytes);
      received += fresh;
      sample();
    },
    verified(etag) {
      verified.add(etag);
      const file = files.find((one) => one.etag === etag);
      if (file !== undefined) present.set(etag, file.sizeBytes);
    },
    view() {
      sample();
      shown = Math.max(shown, done());
      const perSecond = rate();
      const left = total - shown;
      return {
        bytes_done: shown,
        bytes_total: total,
        bytes_per_second: perSecond,
        eta_seconds: perSecond === null || perSecond === 0 ? null : Math.ceil(left / perSecond),
        files_done: files.filter((file) => verified.has(file.etag)).length,
        files_total: files.length,
      };
    },
  };
}
