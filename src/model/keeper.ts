import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { createAttempt } from './attempt.ts';
import { DISK_RESERVE_BYTES, type Download, SILENCE_LIMIT_MS } from './download/model-download.ts';
import type { Hub } from './hub.ts';
import { isDue, type ModelEvent } from './machine.ts';
import { type Surroundings, UNKNOWN_SURROUNDINGS } from './surroundings.ts';
import { ModelError, type ModelSnapshot } from './types.ts';
import {
  advance,
  failureOf,
  freeBytesOf,
  isCured,
  isSameWish,
  judge,
  newWish,
  refusalOf,
  toSnapshot,
  type WantedModel,
  type Wish,
} from './wish.ts';

/** Progress is told this often while bytes come. */
const TELL_EVERY_MS = 1_000;
/** Progress is logged this often while bytes come. */
const LOG_EVERY_MS = 30_000;
/** Longest sleep of the loop; anything that happens wakes it. */
const LONGEST_SLEEP_MS = 3_600_000;

/** Why a retry begins nothing. */
const NO_FILES = 'the compose file has not been read yet';
const UNDER_WAY = 'the model is being downloaded already; watch it: ai-sandbox status';

/** Keeps one model complete in the cache. */
export interface ModelKeeper {
  /** Says what is wanted; the same again changes nothing, another wish ends what is under way for the old one. */
  setWanted(wanted: WantedModel): void;
  /** Says that the hub token is another one: what failed for want of it is tried again at once. */
  tokenChanged(): void;
  /** Says that machine or engine may be others: the model is judged anew, and what now fits is tried at once. */
  surroundingsChanged(): void;
  /**
   * Tries again at once, whatever stands; a completed model is looked at again. An attempt under way is followed by another
   * one. Returns why nothing begins now, in words; null when something does.
   */
  retry(): string | null;
  /** Where it stands now. */
  snapshot(): ModelSnapshot;
  /** Calls back after every change, and every second while bytes come. Returns the way to end that. */
  onChange(listener: () => void): () => void;
  /** Works until the signal aborts, then returns. */
  run(signal: AbortSignal): Promise<void>;
}

/** What {@link createModelKeeper} needs. */
export interface KeeperOptions {
  hub: Pick<Hub, 'resolve'>;
  download: Download;
  clock: Clock;
  log: Log;
  /** Bytes that may still be written to the file system of a path. Default: what statfs gives to this user. */
  freeBytes?: (path: string) => Promise<number>;
  /** Space left free on the model's file system. Default 5 GiB. */
  reserveBytes?: number;
  /** The machine and the engine's options as they are now. Default: nothing is known, and no memory is checked. */
  surroundings?: () => Surroundings;
  /** A connection without a byte for so long is replaced. Default 30 s. */
  silenceLimitMs?: number;
  /** All connections together are held to this. Default: no limit. */
  bytesPerSecond?: number | null;
}

/** Makes a keeper that wants nothing yet. It works only while {@link ModelKeeper.run} does. */
export function createModelKeeper(options: KeeperOptions): ModelKeeper {
  const { hub, download, clock, log } = options;
  const surroundings = options.surroundings ?? (() => UNKNOWN_SURROUNDINGS);
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

  const attempt = createAttempt({
    hub,
    download,
    clock,
    log,
    freeBytes: options.freeBytes ?? freeBytesOf,
    reserveBytes: options.reserveBytes ?? DISK_RESERVE_BYTES,
    silenceLimitMs: options.silenceLimitMs ?? SILENCE_LIMIT_MS,
    bytesPerSecond: options.bytesPerSecond ?? null,
    surroundings,
    apply,
  });

  const attemptAndJudge = async (current: Wish, outer: AbortSignal): Promise<void> => {
    const over = new AbortController();
    const judged = new AbortController();
    const ended = AbortSignal.any([outer, current.ended.signal]);
    const reporter = report(current, AbortSignal.any([ended, over.signal])).catch(() => undefined);
    current.attempt = judged;
    apply(current, { type: 'attempted' });
    try {
      await attempt(current, AbortSignal.any([ended, judged.signal]));
    } catch (error) {
      if (ended.aborted) return;
      const last = current.meter?.view() ?? current.download;
      current.download = { ...last, bytes_per_second: null, eta_seconds: null };
      current.meter = null;
      apply(current, failureOf(judged.signal.aborted ? judged.signal.reason : error));
      // It was ended for a fault that is gone by now.
      if (judged.signal.aborted && isCured(current)) apply(current, { type: 'cured' });
    } finally {
      current.attempt = null;
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
      if (wish !== null && isSameWish(wish.wanted, wanted)) return;
      wish?.ended.abort(new Error('another model is wanted'));
      wish = newWish(wanted, clock);
      log.info('model wanted', { model: wanted.text, directory: wanted.directory });
      rouse();
      tell();
    },
    tokenChanged() {
      if (wish === null) return;
      apply(wish, { type: 'token' });
      rouse();
    },
    surroundingsChanged() {
      if (wish === null || wish.facts === null) return;
      const before = JSON.stringify(wish.judged);
      judge(wish, wish.facts, surroundings(), clock);
      const changed = JSON.stringify(wish.judged) !== before;
      const fault = wish.judged?.finding ?? null;
      if (changed && fault !== null && wish.attempt !== null) wish.attempt.abort(new ModelError(fault));
      else if (isCured(wish)) {
        apply(wish, { type: 'cured' });
        rouse();
      }
      if (changed) tell();
    },
    retry() {
      const refusal = wish === null ? NO_FILES : refusalOf(wish);
      if (wish === null || refusal !== null) return refusal;
      apply(wish, { type: 'retry' });
      rouse();
      return wish.meter === null ? null : UNDER_WAY;
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
