import { formatBytes, formatEstimate } from '../lib/human.ts';
import { asSentence } from '../lib/plain-text.ts';
import { downloadPhrase } from '../status/activity.ts';
import type { Status } from '../status/schema.ts';

/** Progress of a download is logged when another such share is done… */
const DOWNLOAD_STEP_PERCENT = 10;

/** …or when so much time has passed since the last line. */
const DOWNLOAD_INTERVAL_SECONDS = 30;

/** What has been written of the current download. */
export interface DownloadLogMemory {
  model: string | null;
  status: Status['model']['download_status'] | null;
  problem: string | null;
  /** Full steps of {@link DOWNLOAD_STEP_PERCENT} that are logged. */
  steps: number;
  /** Uptime of the daemon at the last line, in seconds. */
  atSeconds: number;
}

/** Before the first line. */
export const NO_DOWNLOAD_LOGGED: DownloadLogMemory = {
  model: null,
  status: null,
  problem: null,
  steps: 0,
  atSeconds: 0,
};

/** What to write into model-download.log: every change of state, and progress at every tenth or every half minute. */
export function downloadLines(
  memory: DownloadLogMemory,
  status: Status,
): { lines: string[]; memory: DownloadLogMemory } {
  const { model } = status;
  const news = model.model_identifier !== memory.model || model.download_status !== memory.status;
  const steps = downloadSteps(model.download);
  const moved = model.download_status === 'downloading' && steps > memory.steps;
  const late =
    model.download_status === 'downloading' &&
    status.uptime_seconds - memory.atSeconds >= DOWNLOAD_INTERVAL_SECONDS;
  const problem = model.problem === null ? null : `${model.problem.code}: ${model.problem.detail}`;
  const lines = [
    ...(news || moved || late ? [downloadLine(model)] : []),
    ...(problem !== null && problem !== memory.problem && model.problem !== null
      ? [`ERROR: ${model.problem.title}: ${asSentence(model.problem.detail)} ${model.problem.remedy}`]
      : []),
  ];
  const next: DownloadLogMemory = {
    model: model.model_identifier,
    status: model.download_status,
    problem,
    steps: news ? steps : Math.max(steps, memory.steps),
    atSeconds: lines.length > 0 ? status.uptime_seconds : memory.atSeconds,
  };
  return { lines, memory: next };
}

function downloadSteps({ bytes_done, bytes_total }: Status['model']['download']): number {
  if (bytes_done === null || bytes_total === null || bytes_total === 0) return 0;
  return Math.floor((bytes_done / bytes_total) * (100 / DOWNLOAD_STEP_PERCENT));
}

function downloadLine(model: Status['model']): string {
  const name = model.model_identifier ?? 'no model';
  const { eta_seconds, bytes_total, files_total } = model.download;
  switch (model.download_status) {
    case 'downloading':
      return `${name}: ${downloadPhrase(model.download)}${eta_seconds === null ? '' : `, ${formatEstimate(eta_seconds)} left`}`;
    case 'completed': {
      const size = bytes_total === null ? '' : `, ${formatBytes(bytes_total)}`;
      return `${name}: completed and verified${size}${files_total === null ? '' : ` in ${files_total} files`}`;
    }
    default:
      return `${name}: ${model.download_status}`;
  }
}
