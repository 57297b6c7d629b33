import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { sweepLeftovers } from './cache.ts';
import { cacheLayout } from './cache-layout.ts';
import { findComplete } from './cached-model.ts';
import { completeDownload, createDownloadMeter } from './download/meter.ts';
import { bytesToFetch, type Download } from './download/model-download.ts';
import type { Hub } from './hub.ts';
import { lockedInodes, sweepForeignLeftovers, sweepOtherModels } from './leftovers.ts';
import type { ModelEvent } from './machine.ts';
import { checkSpace } from './space.ts';
import type { Surroundings } from './surroundings.ts';
import { type ExaminedModel, ModelError } from './types.ts';
import { DEFAULT_REVISION, judge, type Wish } from './wish.ts';

/** What an attempt works with. */
export interface AttemptParts {
  hub: Pick<Hub, 'resolve'>;
  download: Download;
  clock: Clock;
  log: Log;
  /** Bytes that may still be written to the file system of a path. */
  freeBytes(path: string): Promise<number>;
  reserveBytes: number;
  silenceLimitMs: number;
  bytesPerSecond: number | null;
  surroundings(): Surroundings;
  /** Moves a wish on. */
  apply(wish: Wish, event: ModelEvent): void;
}

/** One attempt to have the model of a wish complete. Throws what ends it; the signal's reason when it is aborted. */
export type Attempt = (wish: Wish, signal: AbortSignal) => Promise<void>;

/** Looks into the cache, else asks the hub, judges what it says, and fetches what is missing. */
export function createAttempt(parts: AttemptParts): Attempt {
  const { hub, clock, log, freeBytes, reserveBytes, surroundings, apply } = parts;

  const attempt: Attempt = async (current, signal) => {
    const { identifier } = current;
    const { directory } = current.wanted;
    if (identifier === null || directory === null) return;
    const revision = current.wanted.revision ?? DEFAULT_REVISION;
    const cached = await findComplete(directory, identifier, revision);
    signal.throwIfAborted();
    if (cached !== null) {
      current.revision = cached.commit;
      current.download = completeDownload(cached.bytes, cached.files);
      judge(current, cached.facts, surroundings(), clock);
      return apply(current, { type: 'completed' });
    }
    apply(current, { type: 'missing' });
    const model = current.resolved ?? (await hub.resolve(identifier, revision, signal));
    signal.throwIfAborted();
    await admit(current, model, directory);
    const meter = createDownloadMeter(model.files, clock, current.download.bytes_done ?? 0);
    await parts.download(
      {
        log,
        silenceLimitMs: parts.silenceLimitMs,
        bytesPerSecond: parts.bytesPerSecond,
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
      cacheLayout(directory, identifier),
      signal,
    );
    const { bytes_total: bytes, files_total: files } = meter.view();
    current.download = completeDownload(bytes ?? 0, files ?? 0);
    // The meter never says that everything is there: whoever is told of the end must not see it any more.
    current.meter = null;
    apply(current, { type: 'completed' });
    await sweepOtherModels(cacheLayout(directory, identifier)).catch(() => undefined);
  };

  /** Throws what speaks against a model before its first byte is fetched. */
  const admit = async (current: Wish, model: ExaminedModel, directory: string): Promise<void> => {
    const around = surroundings();
    judge(current, model.facts, around, clock);
    if (current.resolved !== model) {
      log.info('model examined', {
        model: model.identifier.id,
        commit: model.commit,
        ...current.judged?.fit,
      });
    }
    current.resolved = model;
    current.revision = model.commit;
    const fault = current.judged?.finding ?? null;
    if (fault !== null) throw new ModelError(fault);
    const layout = cacheLayout(directory, model.identifier);
    await sweepLeftovers(layout, model.files).catch(() => undefined);
    const freed = await sweepForeignLeftovers(layout, await lockedInodes()).catch(() => 0);
    if (freed > 0) log.info('partial files of another client were removed', { bytes: freed });
    const lack = await checkSpace(
      { freeBytes, reserveBytes, claims: around.claims },
      directory,
      await bytesToFetch(model, layout),
    );
    if (lack !== null) throw new ModelError(lack);
  };

  return attempt;
}
