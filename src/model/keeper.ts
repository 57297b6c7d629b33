import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { cacheLayout } from './cache-layout.ts';
import { findComplete } from './cached-model.ts';
import { completeDownload, createDownloadMeter } from './download/meter.ts';
import { DISK_RESERVE_BYTES, downloadModel, SILENCE_LIMIT_MS } from './download/model-download.ts';
import type { Hub } from './hub.ts';
import { dependsOnToken, isDue, type ModelEvent } from './machine.ts';
import type { ModelSnapshot } from './types.ts';
import { advance, failureOf, freeBytesOf, newWish, toSnapshot, type WantedModel, type Wish } from './wish.ts';

/** The branch that is fetched and that readers of the cache look up. */
const REVISION = 'main';
/** Progress is told this often while bytes come. */
const TELL_EVERY_MS = 1_000;
/** Progress is logged this often while bytes come. */
const LOG_EVERY_MS = 30_000;
/** Longest sleep of the loop; anything that happens wakes it. */
const LONGEST_SLEEP_MS = 3_600_000;

/** Keeps one model complete in the cache. */
export interface ModelKeeper {
  /** Says what is wanted; the same again changes nothing, another wish ends what is under way for the old one. */
  setWanted(wanted: WantedModel): void;
  /** Says that the hub token is another one: what failed for want of it is tried again at once. */
  tokenChanged(): void;
  /** Tries again at once, whatever stands; a completed model is looked at again. */
  retry(): void;
  /** Where it stands now. */
  snapshot(): ModelSnapshot;
  /** Calls back after every change, and every second while bytes come. Returns the way to end that. */
  onChange(listener: () => void): () => void;
  /** Works until the signal aborts, then returns. */
  run(signal: AbortSignal): Promise<void>;
}

/** What {@link createModelKeeper} needs. */
export interface KeeperOptions {
  hub: Pick<Hub, 'resolve' | 'fetchRange' | 'forgetAddress'>;
  clock: Clock;
  log: Log;
  /** Bytes that may still be written to the file system of a path. Default: what statfs gives to this user. */
  freeBytes?: (path: string) => Promise<number>;
  /** Space left free on the model's file system. Default 5 GiB. */
  reserveBytes?: number;
  /** A connection without a byte for so long is replaced. Default 30 s. */
  silenceLimitMs?: number;
}

/** Makes a keeper that wants nothing yet. It works only while {@link ModelKeeper.run} does. */
export function createModelKeeper(options: KeeperOptions): ModelKeeper {
  const { hub, clock, log } = options;
  const freeBytes = options.freeBytes ?? freeBytesOf;
  const reserveBytes = options.reserveBytes ?? DISK_RESERVE_BYTES;
  const silenceLimitMs = options.silenceLimitMs ?? SILENCE_LIMIT_MS;
  const listeners = new Set<() => void>();
  let wake = new AbortController();
  let wish: Wish | null = null;

  const tell = () => {
    for (const listener of listeners) listener();
  };
  const rouse = () => {
    wake.abort();
    wake = new AbortController();
  };
  const apply = (to: Wish, event: ModelEvent) => {
    advance(to, event, clock, log);
    if (to === wish) tell();
  };

  const attempt = async (current: Wish, signal: AbortSignal): Promise<void> => {
    const { identifier } = current;
    const { directory } = current.wanted;
    if (identifier === null || directory === null) return;
    const cached = await findComplete(directory, identifier);
    signal.throwIfAborted();
    if (cached !== null) {
      current.revision = cached.commit;
      current.download = completeDownload(cached.bytes, cached.files);
      return apply(current, { type: 'completed' });
    }
    apply(current, { type: 'missing' });
    const model = current.resolved ?? (await hub.resolve(identifier, REVISION, signal));
    signal.throwIfAborted();
    current.resolved = model;
    current.revision = model.commit;
    const meter = createDownloadMeter(model.files, clock, current.download.bytes_done ?? 0);
    const layout = cacheLayout(directory, identifier);
    await downloadModel(
      {
        hub,
        clock,
        log,
        freeBytes,
        reserveBytes,
        silenceLimitMs,
        meter,
        onStart: () => {
          current.meter = meter;
          apply(current, { type: 'started' });
        },
        onReceived: () => {
          if (current.state.attempts > 0) apply(current, { type: 'moved' });
        },
      },
      model,
      layout,
      signal,
    );
    const { bytes_total: bytes, files_total: files } = meter.view();
    current.download = completeDownload(bytes ?? 0, files ?? 0);
    apply(current, { type: 'completed' });
  };

  const attemptAndJudge = async (current: Wish, outer: AbortSignal): Promise<void> => {
    const over = new AbortController();
    const signal = AbortSignal.any([outer, current.ended.signal]);
    const reporter = report(current, AbortSignal.any([signal, over.signal])).catch(() => undefined);
    try {
      await attempt(current, signal);
    } catch (error) {
      if (signal.aborted) return;
      const last = current.meter?.view() ?? current.download;
      current.download = { ...last, bytes_per_second: null, eta_seconds: null };
      current.meter = null;
      apply(current, failureOf(error));
    } finally {
      current.meter = null;
      over.abort();
      await reporter;
    }
  };

  const report = async (current: Wish, signal: AbortSignal): Promise<void> => {
    let loggedMs = clock.monotonicMs();
    for (;;) {
      await clock.sleep(TELL_EVERY_MS, signal);
      if (current.meter === null) continue;
      if (current === wish) tell();
      if (clock.monotonicMs() - loggedMs < LOG_EVERY_MS) continue;
      loggedMs = clock.monotonicMs();
      log.info('model download goes on', { model: current.identifier?.id, ...current.meter.view() });
    }
  };

  return {
    setWanted(wanted) {
      if (wish?.wanted.text === wanted.text && wish?.wanted.directory === wanted.directory) return;
      wish?.ended.abort(new Error('another model is wanted'));
      wish = newWish(wanted, clock);
      log.info('model wanted', { model: wanted.text, directory: wanted.directory });
      rouse();
      tell();
    },
    tokenChanged() {
      if (wish === null || !dependsOnToken(wish.state)) return;
      wish.resolved = null;
      apply(wish, { type: 'retry' });
      rouse();
    },
    retry() {
      if (wish === null || wish.identifier === null || wish.meter !== null) return;
      wish.resolved = null;
      apply(wish, { type: 'retry' });
      rouse();
    },
    snapshot: () => toSnapshot(wish, clock),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(signal) {
      while (!signal.aborted) {
        const current: Wish | null = wish;
        const roused = wake.signal;
        const nowMs = clock.monotonicMs();
        if (current !== null && isDue(current.state, nowMs)) {
          await attemptAndJudge(current, signal);
          continue;
        }
        const pause = (current?.state.nextAttemptMs ?? Number.POSITIVE_INFINITY) - nowMs;
        await clock
          .sleep(Math.min(pause, LONGEST_SLEEP_MS), AbortSignal.any([signal, roused]))
          .catch(() => undefined);
      }
    },
  };
}
