import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { createDownload } from '../../src/model/download/model-download.ts';
import { createThreadedDownload } from '../../src/model/download/thread.ts';
import { createHub, type Hub } from '../../src/model/hub.ts';
import { createModelKeeper, type KeeperOptions, type ModelKeeper } from '../../src/model/keeper.ts';
import type { ModelSnapshot } from '../../src/model/types.ts';
import type { HubModel } from '../stand-ins/hub/answers.ts';
import { type HubOptions, type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { repositoryFrom } from '../stand-ins/hub/repository.ts';
import { modelContents } from './model-files.ts';

/** Pauses are taken so much faster than they are written down, so that tests of retries are over soon. */
const PAUSE_SPEED = 200;

/** On the hasty clock: a busy machine is not taken for a silent hub, except where a test is about silence. */
const UNHURRIED_MS = 5_000 * PAUSE_SPEED;

/** Between two looks at what the keeper does not tell of. */
const LOOK_INTERVAL_MS = 5;

/** The model that tests fetch. */
export const MODEL_ID = 'acme/tiny';

/** A stand-in hub, a client of it, a keeper that works, and an empty model directory. */
export interface HubFixture {
  server: RunningHub;
  model: HubModel;
  hub: Hub;
  keeper: ModelKeeper;
  directory: string;
  /** Every state the keeper has told of. */
  told: ModelSnapshot[];
  /** Changes the token that the client sends. */
  setToken(token: string | null): void;
  /** Waits until the keeper's state fits. */
  until(fits: (snapshot: ModelSnapshot) => boolean): Promise<ModelSnapshot>;
  close(): Promise<void>;
}

/** What a fixture is made of. */
export interface FixtureOptions {
  hub?: Partial<HubOptions>;
  model?: Partial<HubModel>;
  keeper?: Partial<KeeperOptions>;
  /** Bytes of each of the two shards. */
  shardBytes?: number;
  token?: string;
  log?: Log;
  /** The download runs in a thread of its own, as in the daemon; there pauses take their real time. */
  threaded?: boolean;
}

/** The machine's clock on which only sleeping goes faster. */
export const hastyClock: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * PAUSE_SPEED,
  sleep: (ms, signal) => systemClock.sleep(ms / PAUSE_SPEED, signal),
};

/** Starts all of it; the keeper wants nothing yet. */
export async function hubFixture(options: FixtureOptions = {}): Promise<HubFixture> {
  const model: HubModel = {
    ...(await repositoryFrom(MODEL_ID, modelContents(options.shardBytes))),
    ...options.model,
  };
  const server = await startHub({ models: [model], ...options.hub });
  const directory = await mkdtemp(join(tmpdir(), 'hub-fixture-'));
  let token = options.token ?? null;
  const access = { endpoint: server.url, token: () => token, caFile: null };
  const hub = createHub({ ...access, clock: systemClock });
  const keeper = createModelKeeper({
    hub,
    download: options.threaded === true ? createThreadedDownload(access) : createDownload(hub, hastyClock),
    clock: hastyClock,
    log: options.log ?? silentLog,
    reserveBytes: 0,
    silenceLimitMs: UNHURRIED_MS,
    ...options.keeper,
  });
  const told: ModelSnapshot[] = [];
  keeper.onChange(() => told.push(keeper.snapshot()));
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  return {
    server,
    model,
    hub,
    keeper,
    directory,
    told,
    setToken: (next) => {
      token = next;
    },
    until: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const snapshot = keeper.snapshot();
          if (!fits(snapshot)) return;
          clearInterval(timer);
          stopListening();
          resolve(snapshot);
        };
        // A state that lasts for milliseconds on the hasty clock is told of; what else a test looks at is not.
        const timer = setInterval(look, LOOK_INTERVAL_MS);
        const stopListening = keeper.onChange(look);
        look();
      }),
    async close() {
      stop.abort();
      await running;
      await hub.close();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
