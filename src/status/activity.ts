import { formatBytes, formatBytesOf, formatEstimate, formatPercent } from '../lib/human.ts';
import type { PullView, Status } from './schema.ts';

/**
 * Everything under way, one phrase each, with its amounts: `downloading the model 41 % (5.8/14.1 GB, 212 MB/s)`.
 * Empty when nothing moves.
 */
export function activities(status: Pick<Status, 'services' | 'model'>): string[] {
  const { model } = status;
  const phrases: string[] = [];
  if (model.download_status === 'downloading') phrases.push(downloadPhrase(model.download));
  for (const [name, view] of Object.entries(status.services)) {
    if (view.pull !== null) phrases.push(pullPhrase(name, view.pull));
    else if (view.service_status === 'starting') phrases.push(startPhrase(name, model.load));
  }
  return phrases;
}

/** `downloading the model 41 % (5.8/14.1 GB, 212 MB/s)`, without what is not known. */
export function downloadPhrase(download: Status['model']['download']): string {
  const { bytes_done, bytes_total, bytes_per_second } = download;
  const speed = bytes_per_second === null ? [] : [`${formatBytes(bytes_per_second)}/s`];
  return amounts('downloading the model', bytes_done ?? 0, bytes_total, speed);
}

/** The percent and estimate of `progress` as text: `41 %, about 40 s left`; empty when neither is known or all is done. */
export function progressAmounts(progress: Status['progress']): string {
  if (progress.eta_seconds === 0) return '';
  const parts = [
    ...(progress.percent === null ? [] : [formatPercent(progress.percent)]),
    ...(progress.eta_seconds === null ? [] : [`${formatEstimate(progress.eta_seconds)} left`]),
  ];
  return parts.join(', ');
}

function pullPhrase(name: string, pull: PullView): string {
  return pull.phase === 'unpacking'
    ? amounts(`unpacking the image of ${name}`, pull.bytes_unpacked, pull.bytes_total, [])
    : amounts(`pulling the image of ${name}`, pull.bytes_done, pull.bytes_total, []);
}

function startPhrase(name: string, load: Status['model']['load']): string {
  if (name !== 'api') return `starting ${name}`;
  const percent = load.percent === null ? '' : ` ${formatPercent(load.percent)}`;
  const phase = load.phase === null ? '' : ` (${load.phase})`;
  return `loading the model${percent}${phase}`;
}

function amounts(what: string, done: number, total: number | null, more: string[]): string {
  if (total === null || total === 0) {
    const known = [...(done > 0 ? [formatBytes(done)] : []), ...more];
    return known.length === 0 ? what : `${what} (${known.join(', ')})`;
  }
  return `${what} ${formatPercent((done / total) * 100)} (${[formatBytesOf(done, total), ...more].join(', ')})`;
}
