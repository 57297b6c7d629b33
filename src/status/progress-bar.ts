import { pullAmount } from './progress.ts';
import type { DownloadView, Status } from './schema.ts';

/** Share of the bar that transfers have in a start that needs any; loading has the rest. */
const TRANSFER_SHARE = 0.6;
/** Shown at most while anything is left to do. */
const UNFINISHED_PERCENT = 99;
/** 45.6 must not become 45.5 because binary fractions are a little short of it. */
const ROUNDING = 1e-6;
/** The engine, whose loading is the second part of the bar. */
const ENGINE_SERVICE = 'api';

/** One thing that is fetched. */
interface Part {
  done: number;
  total: number;
}

/** What the bar must keep in mind between two statuses of one way to ready. */
export interface BarMemory {
  /** Images by service and the model, as last seen; what is not seen any more has been fetched. */
  parts: Readonly<Record<string, Part>>;
  /** Largest share of the transfers that was shown: a total that is known later takes nothing back. */
  transferred: number;
  /** Whether this way to ready has a first part; decided before loading begins. Null: not decided. */
  transfers: boolean | null;
}

/** At the beginning of a way to ready. */
export const EMPTY_BAR: BarMemory = { parts: {}, transferred: 0, transfers: null };

/** What the bar is made of. */
export interface BarFacts {
  status: Pick<Status, 'progress' | 'services'> & {
    model: Pick<Status['model'], 'download_status' | 'download' | 'load'>;
  };
  /** Seconds that loading still takes, from its beginning where it has not begun; null: no earlier start tells. */
  loadSeconds: number | null;
}

/**
 * One bar from the first byte to ready: transfers by their bytes, then the load. Within one way to ready it only rises, except
 * that a load which begins anew begins anew here too. The estimate is that of the transfer and of the load that follows.
 * Pure: the same memory and facts give the same bar.
 */
export function stepBar(
  memory: BarMemory,
  facts: BarFacts,
): { memory: BarMemory; progress: Status['progress'] } {
  const { progress, services, model } = facts.status;
  if (isArrived(progress.phase)) return { memory: EMPTY_BAR, progress };
  const seen = partsOf(services, model);
  const parts = { ...finished(memory.parts, seen), ...seen };
  const loading = model.load.percent;
  const transferring = Object.keys(seen).length > 0;
  const transfers = memory.transfers ?? (transferring ? true : loading !== null ? false : null);
  const sum = Object.values(parts).reduce(
    (all, { done, total }) => ({ done: all.done + Math.min(done, total), total: all.total + total }),
    { done: 0, total: 0 },
  );
  const share = sum.total === 0 ? 0 : sum.done / sum.total;
  const transferred = Math.max(memory.transferred, loading === null ? share : 1);
  const next: BarMemory = { parts, transferred, transfers };
  if (STANDING_PHASES.has(progress.phase)) return { memory: next, progress };
  return {
    memory: next,
    progress: { ...progress, percent: percentOf(next, loading), eta_seconds: etaOf(facts) },
  };
}

/** Phases in which nothing goes on: a percent would only be the last one. */
const STANDING_PHASES: ReadonlySet<string> = new Set([
  'failed',
  'waiting for Docker',
  'waiting for a valid compose file',
]);

/** Nothing is on its way any more: everything that shall run is ready. */
function isArrived(phase: string): boolean {
  return phase === 'ready' || phase.startsWith('stopped on request');
}

function percentOf(memory: BarMemory, loading: number | null): number | null {
  if (memory.transfers === null) return null;
  const first = memory.transfers ? TRANSFER_SHARE : 0;
  const whole = first * memory.transferred * 100 + (1 - first) * (loading ?? 0);
  if (memory.transfers && Object.keys(memory.parts).length === 0) return null;
  return Math.min(UNFINISHED_PERCENT, Math.floor(whole * 10 + ROUNDING) / 10);
}

function etaOf({ status, loadSeconds }: BarFacts): number | null {
  const { progress, model, services } = status;
  if (model.load.percent !== null) return loadSeconds === null ? null : Math.ceil(loadSeconds);
  const pulling = Object.values(services).some((view) => view.pull !== null);
  if (progress.eta_seconds === null || pulling) return null;
  return services[ENGINE_SERVICE] === undefined
    ? progress.eta_seconds
    : Math.ceil(progress.eta_seconds + (loadSeconds ?? 0));
}

/** What is being fetched and how large it is; what has no size yet does not count. */
function partsOf(
  services: Status['services'],
  model: { download_status: string; download: DownloadView },
): Record<string, Part> {
  const parts: Record<string, Part> = {};
  for (const [name, { pull }] of Object.entries(services)) {
    if (pull === null) continue;
    const { done, total } = pullAmount(pull);
    if (total !== null) parts[`image of ${name}`] = { done, total };
  }
  const { bytes_done, bytes_total } = model.download;
  if (model.download_status === 'downloading' && bytes_total !== null) {
    parts['model'] = { done: bytes_done ?? 0, total: bytes_total };
  }
  return parts;
}

/** What was under way and is not any more has arrived. */
function finished(before: BarMemory['parts'], seen: Record<string, Part>): Record<string, Part> {
  return Object.fromEntries(
    Object.entries(before)
      .filter(([name]) => !(name in seen))
      .map(([name, { total }]) => [name, { done: total, total }]),
  );
}
