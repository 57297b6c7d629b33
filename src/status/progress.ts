import type { DownloadView, PullView, Status } from './schema.ts';

/** What the overall progress is derived from; a part of {@link Status}. */
export interface ProgressFacts {
  services: Status['services'];
  model: Pick<Status['model'], 'download_status' | 'download' | 'load'>;
  dockerReachable: boolean;
  /** False while no compose file could be read: then nothing is known about what shall run. */
  composeKnown: boolean;
}

type Progress = Status['progress'];
type NamedService = [name: string, view: Status['services'][string]];

/** What `waiting_for` means in a sentence; other words are shown as they are. */
const WAITING_WORDS: Readonly<Record<string, string>> = {
  image: 'the images',
  model: 'the model',
  gpu: 'the GPU',
  gpu_driver: 'the GPU driver',
  disk: 'space on the disk',
  docker: 'Docker',
};

/**
 * The one line of progress: the phase in words, how far that phase is (0–100, null when it cannot be known) and the
 * seconds left (null when unknown). The percent belongs to the phase: it rises within one and starts anew with the next.
 * With several things under way, the one that holds up the first chat is named.
 */
export function overallProgress(facts: ProgressFacts): Progress {
  const wanted = Object.entries(facts.services).filter(([, view]) => view.wanted);
  if (!facts.composeKnown && wanted.every(([, view]) => view.container_id === null)) {
    return phase('waiting for a valid compose file');
  }
  if (!facts.dockerReachable) return phase('waiting for Docker');
  if (facts.model.download_status === 'failed' || wanted.some(isFailed)) return phase('failed');
  const stopped = Object.entries(facts.services).filter(([, view]) => !view.wanted);
  if (wanted.every(([, view]) => view.ready)) {
    return stopped.length > 0
      ? phase(`stopped on request: ${stopped.map(([name]) => name).join(', ')}`)
      : phase('ready', 100, 0);
  }
  return transferProgress(facts, wanted) ?? startProgress(facts, wanted);
}

function transferProgress(facts: ProgressFacts, wanted: NamedService[]): Progress | null {
  const pulls = wanted.flatMap(([, view]) => (view.pull === null ? [] : [view.pull]));
  const { download } = facts.model;
  const downloading = facts.model.download_status === 'downloading';
  const apiIsLoading = facts.services['api']?.service_status === 'starting';
  const amounts = pulls.map(pullAmount);
  if (downloading && pulls.length > 0) {
    return phase(
      'pulling images and downloading the model',
      percentOf([...amounts, { done: download.bytes_done ?? 0, total: download.bytes_total }]),
    );
  }
  if (downloading) {
    return phase('downloading the model', downloadPercent(download), download.eta_seconds);
  }
  if (pulls.length > 0 && !apiIsLoading) {
    const unpacking = pulls.every((pull) => pull.phase === 'unpacking');
    return phase(unpacking ? 'unpacking images' : 'pulling images', percentOf(amounts));
  }
  return null;
}

function startProgress(facts: ProgressFacts, wanted: NamedService[]): Progress {
  const unready = wanted.filter(([, view]) => !view.ready);
  const starting = unready.filter(([, view]) => view.service_status === 'starting').map(([name]) => name);
  if (starting.includes('api')) return phase('loading the model', facts.model.load.percent);
  const waiting = unready.find(([, view]) => view.waiting_for !== null)?.[1].waiting_for;
  if (waiting !== undefined && waiting !== null) {
    return phase(`waiting for ${WAITING_WORDS[waiting] ?? waiting}`);
  }
  if (starting.length > 0) return phase(`starting ${starting.join(', ')}`);
  const backingOff = unready.filter(([, view]) => view.next_restart_at !== null).map(([name]) => name);
  if (backingOff.length > 0) return phase(`waiting to restart ${backingOff.join(', ')}`);
  return phase(`starting ${unready.map(([name]) => name).join(', ')}`);
}

/** What is done of a pull, and of what, in bytes: each one is fetched and unpacked, and both take their time. */
export function pullAmount({ percent, bytes_total: bytes }: PullView): {
  done: number;
  total: number | null;
} {
  if (percent === null || bytes === null) return { done: 0, total: null };
  const total = 2 * bytes;
  return { done: (percent / 100) * total, total };
}

function isFailed([, view]: NamedService): boolean {
  return view.service_status === 'failed';
}

function downloadPercent(download: DownloadView): number | null {
  return percentOf([{ done: download.bytes_done ?? 0, total: download.bytes_total }]);
}

/** Bytes done of all bytes, cut (not rounded) to one decimal so that 100 means all; null while a total is unknown. */
function percentOf(parts: { done: number; total: number | null }[]): number | null {
  let done = 0;
  let total = 0;
  for (const part of parts) {
    if (part.total === null) return null;
    total += part.total;
    done += Math.min(part.done, part.total);
  }
  return total === 0 ? null : Math.floor((done / total) * 1000) / 10;
}

function phase(name: string, percent: number | null = null, etaSeconds: number | null = null): Progress {
  return { phase: name, percent, eta_seconds: etaSeconds };
}
