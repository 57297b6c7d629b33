import type { GpuReader } from '../host/gpu-reader.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import { deleteDamagedFiles } from '../model/damaged-files.ts';
import { createThreadedDownload } from '../model/download/thread.ts';
import { createHub } from '../model/hub.ts';
import { createModelKeeper, type ModelKeeper } from '../model/keeper.ts';
import { createTokenSource } from '../model/token.ts';
import { DEFAULT_REVISION } from '../model/wish.ts';
import type { Settings } from '../settings.ts';
import type { DesiredState } from './desired-state.ts';
import { readRevision } from './engine-options.ts';
import { createModelClaim } from './model-claim.ts';
import { createModelSurroundings, type ModelSurroundings } from './model-surroundings.ts';

/** The model with its hub, the hub's token, and what the model has to know of this machine. */
export interface ModelRoom {
  readonly keeper: ModelKeeper;
  readonly surroundings: Pick<ModelSurroundings, 'look' | 'refresh'>;
  /** Bytes that the download still writes to the file system of `directory`. */
  claimedBytes(directory: string): Promise<number>;
  /** The files say which model, and where. */
  setState(state: DesiredState): void;
  /** Deletes the damaged files of the revision that is wanted, so that they are fetched again; returns their paths. */
  deleteDamaged(directory: string, modelId: string, signal: AbortSignal): Promise<string[]>;
  /** Reads the hub token again; another one is used at once. */
  refreshToken(): Promise<void>;
  /** Works until the signal aborts, then returns. */
  run(signal: AbortSignal): Promise<void>;
  /** Closes idle connections to the hub. */
  close(): Promise<void>;
}

/** Makes the room, with the hub token as it is now; from then on the redactor knows it. */
export async function createModelRoom(parts: {
  settings: Settings;
  environment: Readonly<Record<string, string | undefined>>;
  gpus: Pick<GpuReader, 'read'>;
  instanceType(): string | null;
  redactor: Redactor;
  clock: Clock;
  log: Log;
}): Promise<ModelRoom> {
  const { settings, environment, redactor, clock, log } = parts;
  const token = createTokenSource({
    file: settings.hubTokenFile,
    credentialsDirectory: environment['CREDENTIALS_DIRECTORY'] ?? null,
    get environment() {
      return settings.hubToken;
    },
    clock,
    log,
  });
  await token.refresh();
  redactor.learn([token.current(), settings.hubToken]);

  const access = { endpoint: settings.hubEndpoint, token: token.current, caFile: settings.hubCaFile };
  const hub = createHub({ ...access, clock });
  const surroundings = createModelSurroundings({
    gpus: parts.gpus,
    instanceType: parts.instanceType,
    onChange: () => keeper.surroundingsChanged(),
  });
  const keeper = createModelKeeper({
    hub,
    download: createThreadedDownload(access),
    clock,
    log,
    reserveBytes: settings.diskReserveBytes,
    bytesPerSecond: settings.downloadBytesPerSecond,
    surroundings: surroundings.get,
  });
  const claim = createModelClaim(keeper.snapshot);
  let revision: string = DEFAULT_REVISION;
  const tokenChanged = () => {
    redactor.learn([token.current()]);
    keeper.tokenChanged();
  };

  return {
    keeper,
    surroundings,
    claimedBytes: claim.on,
    setState({ project, modelId, modelDirectory }) {
      claim.setDirectory(modelDirectory);
      surroundings.setProject(project);
      const api = project.services.find((service) => service.name === 'api');
      revision = (api === undefined ? null : readRevision(api)) ?? DEFAULT_REVISION;
      keeper.setWanted({ text: modelId, directory: modelDirectory, revision });
    },
    deleteDamaged: (directory, modelId, signal) => deleteDamagedFiles(directory, modelId, revision, signal),
    async refreshToken() {
      if (await token.refresh()) tokenChanged();
    },
    async run(signal) {
      await Promise.all([keeper.run(signal), token.watch(signal, tokenChanged)]);
    },
    close: hub.close,
  };
}
