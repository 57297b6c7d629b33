import { hostMountSource } from '../compose/served-model.ts';
import { createComposeSource } from '../compose/source.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLog } from '../lib/log.ts';
import { cacheLayout } from '../model/cache-layout.ts';
import { parseModelIdentifier } from '../model/identifier.ts';
import { describeModel, listModels } from '../model/shelf.ts';
import type { ModelIdentifier } from '../model/types.ts';
import { removeDamaged, verifySnapshot } from '../model/verify.ts';
import type { Settings } from '../settings.ts';
import { readRevision } from '../wiring/engine-options.ts';
import type { ModelShelf } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** Where the image of vLLM keeps what it fetched from a hub. */
const MODEL_CACHE_TARGET = '/root/.cache/huggingface';

/**
 * The models on this machine, found through the compose file; the daemon is not needed. Throws CliFailure where the file
 * has an error or mounts no directory for models.
 */
export async function openShelf(
  settings: Pick<Settings, 'composeFile' | 'pinnedModelId'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ModelShelf> {
  const loaded = await createComposeSource({
    file: settings.composeFile,
    environment,
    pinnedModelId: settings.pinnedModelId,
    clock: systemClock,
    log: silentLog,
  }).load();
  if ('errors' in loaded) {
    const [first] = loaded.errors;
    throw new CliFailure(
      EXIT.configInvalid,
      `${first?.file ?? settings.composeFile}: ${first?.message ?? 'cannot be read'}; all errors: ai-sandbox config check (sudo may be needed to read .env)`,
    );
  }
  const api = loaded.project.services.find(({ name }) => name === 'api');
  const directory = api === undefined ? null : hostMountSource(api, MODEL_CACHE_TARGET);
  if (api === undefined || directory === null) {
    throw new CliFailure(
      EXIT.configInvalid,
      `the api service of ${settings.composeFile} mounts no directory at ${MODEL_CACHE_TARGET}`,
    );
  }
  const revision = readRevision(api) ?? 'main';
  return {
    directory,
    wanted: settings.pinnedModelId ?? loaded.variables['MODEL_ID'] ?? null,
    revision,
    list: () => onDisk(directory, () => listModels(directory, revision)),
    describe: (id) => onDisk(directory, () => describeModel(directory, identify(id), revision)),
    verify: (id, commit) =>
      verifySnapshot(cacheLayout(directory, identify(id)), commit, new AbortController().signal),
    remove: (id, commit, path) =>
      onDisk(directory, () => removeDamaged(cacheLayout(directory, identify(id)), commit, path)),
  };
}

function identify(id: string): ModelIdentifier {
  const { identifier, finding } = parseModelIdentifier(id);
  if (identifier === undefined)
    throw new CliFailure(EXIT.usage, finding.detail.replace('MODEL_ID', 'the model'));
  return identifier;
}

async function onDisk<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new CliFailure(EXIT.noPermission, `no permission on ${directory}; use sudo`);
    }
    throw new CliFailure(EXIT.failed, message);
  }
}
