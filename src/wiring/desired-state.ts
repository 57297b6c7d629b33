import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { secretsAmong, secretsOfProject } from '../compose/secret-values.ts';
import { ensureEnvironmentFile } from '../compose/secrets.ts';
import { hostMountSource } from '../compose/served-model.ts';
import type { ComposeError, ComposeProject } from '../compose/service-spec.ts';
import type { ComposeSource, LoadResult } from '../compose/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import { carryProblem, type Finding, type Problem } from '../status/problem.ts';

/** Where the image of vLLM keeps what it fetched from a hub. */
const MODEL_CACHE_TARGET = '/root/.cache/huggingface';

/** How many errors of a file are repeated in a problem; `ai-sandbox config check` shows them all. */
const ERRORS_SHOWN = 3;

/** What the files say now, for the rooms that act on it. */
export interface DesiredState {
  project: ComposeProject;
  /** Raw `MODEL_ID` after precedence; null where nothing names one. */
  modelId: string | null;
  /** Host directory mounted at {@link MODEL_CACHE_TARGET} of `api`; null where there is none, or no `api`. */
  modelDirectory: string | null;
}

/** The compose file and `.env` as one thing that is read, kept complete, watched, and never loses what it last knew. */
export interface DesiredStateKeeper {
  /** Makes `.env` complete, reads the files, and tells `onState` when they are valid. */
  reload(): Promise<void>;
  /** Does so after each change that has rested, and while `.env` cannot be written. Resolves when `signal` aborts. */
  watch(signal: AbortSignal): Promise<void>;
  problems(): Problem[];
}

/** Parts of {@link createDesiredState}. */
export interface DesiredStateParts {
  source: ComposeSource;
  composeFile: string;
  pinnedModelId: string | null;
  clock: Clock;
  log: Log;
  redactor: Redactor;
  onState(state: DesiredState): void;
  /** Something a person is told has changed. */
  onChange(): void;
}

/** Connects the compose room to those that act on it. An invalid file keeps the last valid state and is a problem. */
export function createDesiredState(parts: DesiredStateParts): DesiredStateKeeper {
  const { source, clock, log, redactor } = parts;
  const environmentFile = join(dirname(parts.composeFile), '.env');
  let environmentProblem: Problem | null = null;
  let fileProblem: Problem | null = null;
  let modelProblem: Problem | null = null;

  const applyResult = (result: LoadResult) => {
    const finding = 'errors' in result ? toFinding(result.errors, result.missing, parts.composeFile) : null;
    if (finding === null && fileProblem !== null) log.info('the compose file is valid again');
    fileProblem = carryProblem(fileProblem, finding, clock);
    if ('project' in result) applyState(result.project, result.variables);
    parts.onChange();
  };

  const applyState = (project: ComposeProject, variables: Readonly<Record<string, string>>) => {
    redactor.learn(secretsOfProject(project, variables));
    for (const notice of project.notices) log.info(`${parts.composeFile}: ${notice}`);
    const api = project.services.find((service) => service.name === 'api');
    const modelDirectory = api === undefined ? null : hostMountSource(api, MODEL_CACHE_TARGET);
    const unmounted = api !== undefined && modelDirectory === null;
    modelProblem = carryProblem(
      modelProblem,
      unmounted
        ? {
            code: 'model_directory_not_mounted',
            detail: `${parts.composeFile}: services.api mounts nothing of the host at ${MODEL_CACHE_TARGET}`,
          }
        : null,
      clock,
    );
    parts.onState({
      project,
      modelId: api === undefined ? null : (parts.pinnedModelId ?? variables['MODEL_ID'] ?? null),
      modelDirectory,
    });
  };

  const completeEnvironment = async () => {
    const ensured = await ensureEnvironmentFile({ path: environmentFile, randomBytes });
    const finding: Finding | null =
      'unwritable' in ensured
        ? { code: 'environment_file_not_writable', detail: `${environmentFile}: ${ensured.unwritable}` }
        : null;
    environmentProblem = carryProblem(environmentProblem, finding, clock);
    if (!('values' in ensured)) return;
    redactor.learn(secretsAmong(ensured.values).map(([, secret]) => secret));
    if (ensured.created.length > 0) {
      log.info(`${environmentFile}: created ${ensured.created.join(', ')} (mode 0600)`);
    }
    if (ensured.tightened) log.warn(`${environmentFile} could be read by others; its mode is 0600 now`);
  };

  const reload = async () => {
    await completeEnvironment();
    applyResult(await source.load());
  };

  return {
    reload,
    watch: (signal) =>
      source.watch(
        async (changed) => {
          await completeEnvironment();
          if (changed || environmentProblem === null) applyResult(await source.load());
        },
        signal,
        () => environmentProblem !== null,
      ),
    problems() {
      // Without a compose file there is perhaps not even its directory, and nothing needs what `.env` lacks.
      const shown = fileProblem?.code === 'compose_file_missing' ? null : environmentProblem;
      return [shown, fileProblem, modelProblem].filter((problem) => problem !== null);
    },
  };
}

function toFinding(errors: readonly ComposeError[], missing: boolean, file: string): Finding {
  if (missing) return { code: 'compose_file_missing', detail: `${file} does not exist` };
  const shown = errors
    .slice(0, ERRORS_SHOWN)
    .map(
      (error) =>
        `${error.file}:${error.line}:${error.column}${error.key === '' ? '' : ` ${error.key}`}: ${error.message}`,
    );
  const more = errors.length - shown.length;
  return {
    code: 'compose_file_invalid',
    detail: [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; '),
  };
}
