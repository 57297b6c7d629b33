import type { PullProgress } from './engine.ts';
import { asNumber, asRecord, asText } from './json-reader.ts';

/** What is known of one layer. Bytes are of the compressed download. */
interface Layer {
  done: number;
  total: number | null;
  stage: 'announced' | 'downloading' | 'unpacking' | 'complete';
  /** How far extraction is, in whatever the engine counts: only its movement matters. */
  extracted: number;
  /** The same in bytes of the compressed layer, where the engine counts those. */
  unpacked: number;
}

/** State of one pull, folded from its lines. */
export interface PullState {
  layers: ReadonlyMap<string, Layer>;
  /** Highest values shown so far: neither may decrease, though a retried layer starts again. */
  shown: PullProgress;
  /** Counts lines that proved progress; a line that only repeats or waits does not count. */
  movements: number;
  /** The engine's last words about any layer, for the detail of a stall. */
  lastWords: string;
}

/** What is shown of a pull of which nothing has been heard. */
export const NOTHING_PULLED: PullProgress = {
  bytesDone: 0,
  bytesTotal: null,
  bytesUnpacked: 0,
  share: null,
  phase: 'downloading',
};

/** A pull of which nothing has been heard. */
export const EMPTY_PULL: PullState = {
  layers: new Map(),
  shown: NOTHING_PULLED,
  movements: 0,
  lastWords: '',
};

/** Statuses after which nothing more of a layer is downloaded (moby `distribution/xfer`, containerd store of Docker 29). */
const STAGE_OF_STATUS: Readonly<Record<string, Layer['stage']>> = {
  'Pulling fs layer': 'announced',
  Waiting: 'announced',
  Downloading: 'downloading',
  'Verifying Checksum': 'unpacking',
  'Download complete': 'unpacking',
  Extracting: 'unpacking',
  'Pull complete': 'complete',
  'Already exists': 'complete',
};

/** In these nothing, or not all, of a layer has been downloaded. */
const WAITS: ReadonlySet<Layer['stage']> = new Set(['announced', 'downloading']);

/** The error of a pull line: `errorDetail.message`, or the older `error`; null for any other line. */
export function inBandError(line: unknown): string | null {
  const fields = asRecord(line);
  const words = asText(asRecord(fields['errorDetail'])['message']) || asText(fields['error']);
  if (words !== '') return words;
  return 'errorDetail' in fields ? 'the engine reported an error without a text' : null;
}

/** Folds one line of a pull into the state. Unknown statuses and lines without a layer change nothing. */
export function foldPullLine(state: PullState, line: unknown): PullState {
  const fields = asRecord(line);
  const id = asText(fields['id']);
  const status = asText(fields['status']);
  const words = [id, status].filter((part) => part !== '').join(': ');
  const lastWords = words === '' ? state.lastWords : words;
  const stage = STAGE_OF_STATUS[status];
  if (id === '' || stage === undefined) return { ...state, lastWords };

  const before = state.layers.get(id);
  const after = foldLayer(before, stage, status, asRecord(fields['progressDetail']));
  if (before !== undefined && sameLayer(before, after)) return { ...state, lastWords };
  const layers = new Map(state.layers).set(id, after);
  return { layers, shown: show(state.shown, layers), movements: state.movements + 1, lastWords };
}

function foldLayer(
  before: Layer | undefined,
  stage: Layer['stage'],
  status: string,
  detail: Record<string, unknown>,
): Layer {
  const layer: Layer = { done: 0, total: null, extracted: 0, unpacked: 0, ...before, stage };
  const current = asNumber(detail['current']);
  if (status === 'Downloading') {
    const total = asNumber(detail['total']);
    layer.total = total > 0 ? total : layer.total;
    layer.done = Math.max(layer.done, current);
    if (layer.total !== null) layer.done = Math.min(layer.done, layer.total);
  } else if (status === 'Extracting') {
    layer.extracted = Math.max(layer.extracted, current);
    // containerd's store (Docker 29) counts seconds, and says so.
    if (asText(detail['units']) === '') layer.unpacked = Math.max(layer.unpacked, current);
  }
  if (layer.total !== null) layer.unpacked = Math.min(layer.unpacked, layer.total);
  if (stage === 'complete') layer.unpacked = layer.total ?? 0;
  if (stage === 'unpacking' || stage === 'complete') layer.done = layer.total ?? layer.done;
  return layer;
}

function sameLayer(a: Layer, b: Layer): boolean {
  return a.done === b.done && a.total === b.total && a.stage === b.stage && a.extracted === b.extracted;
}

function show(shown: PullProgress, layers: ReadonlyMap<string, Layer>): PullProgress {
  const all = [...layers.values()];
  const sized = all.filter((layer) => layer.total !== null);
  const sum = (of: (layer: Layer) => number) => all.reduce((bytes, layer) => bytes + of(layer), 0);
  const done = sum((layer) => layer.done);
  const total = sum((layer) => layer.total ?? 0);
  const unpacked = sum((layer) => (layer.total === null ? 0 : layer.unpacked));
  const downloaded = all.every((layer) => layer.stage === 'unpacking' || layer.stage === 'complete');
  const bytesDone = Math.max(shown.bytesDone, done);
  // A layer has a size once its download begins: until then it counts like the mean of those that have one.
  const unsized = all.filter(({ total: size, stage }) => size === null && WAITS.has(stage)).length;
  const expected = sized.length === 0 ? 0 : (total * (sized.length + unsized)) / sized.length;
  const share = expected === 0 ? shown.share : Math.min(1, (done + unpacked) / (2 * expected));
  return {
    bytesDone,
    bytesTotal: sized.length === 0 ? shown.bytesTotal : Math.max(shown.bytesTotal ?? 0, total, bytesDone),
    bytesUnpacked: Math.max(shown.bytesUnpacked, unpacked),
    share: share === null ? null : Math.max(shown.share ?? 0, share),
    phase: downloaded ? 'unpacking' : 'downloading',
  };
}
