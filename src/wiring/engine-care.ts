import { servedModelName } from '../compose/served-model.ts';
import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { ContainerLogLine } from '../docker/engine.ts';
import type { Clock } from '../lib/clock.ts';
import { toTimestamp } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { LoadView } from '../model/load-progress.ts';
import type { LoadMemory } from '../model/load-times.ts';
import { createLoadWatch } from '../model/load-watch.ts';
import type { PageAccount } from '../services/probe-ui.ts';
import type { Desired, Heal, RunNotice } from '../services/types.ts';
import type { Overrides } from './overrides.ts';

/** The service that loads a model. */
const ENGINE_SERVICE = 'api';
/** The gate stays closed after a repair until the model room has seen what is missing. */
const MODEL_LOOK_MS = 2_000;

/** What the files say, as far as the engine is concerned. */
interface EngineCase {
  project: ComposeProject;
  modelId: string | null;
  modelDirectory: string | null;
}

/** Connects the rooms about the one service that loads a model: its start, what heals it, and the flags that follow. */
export interface EngineCare {
  /** For the supervisor: told of runs and lines, asked to heal. */
  onRun(service: string, notice: RunNotice): void;
  onLogLine(service: string, line: ContainerLogLine): void;
  heal(service: string, heal: Heal): boolean;
  /** Takes what the files say now and returns it with the overrides that hold. */
  setFiles(files: EngineCase): Desired;
  /** The name of the machine's GPU has become known, or is another one. */
  setGpu(name: string | null): void;
  /** Name under which the page must offer the model; null where no file tells. */
  servedModel(): string | null;
  /** A file of the model is being checked: the engine must not start meanwhile. */
  repairing(): boolean;
  /** How far the engine is with loading; null while nothing loads. */
  load(): LoadView | null;
  /** Seconds that a load which has not begun will take; null: no earlier start tells. */
  loadSeconds(): number | null;
  run(signal: AbortSignal): Promise<void>;
}

/** Parts of {@link createEngineCare}. */
export interface EngineCareParts {
  clock: Clock;
  log: Log;
  overrides: Overrides;
  loadTimes: LoadMemory;
  /** Deletes damaged files of the model, so that they are fetched again; returns their names. */
  deleteDamaged(directory: string, modelId: string, signal: AbortSignal): Promise<string[]>;
  /** The model is looked at again, and what is missing fetched. */
  fetchModel(): void;
  onMove(): void;
  /** Something that a status shows is another. */
  onChange(): void;
  /** The overrides are others: the supervisor gets what should run anew. */
  onDesired(desired: Desired): void;
  /** A repair has begun or ended: the gates are others. */
  onGate(): void;
}

/** Makes it; nothing is known before the first {@link EngineCare.setFiles}. */
export function createEngineCare(parts: EngineCareParts): EngineCare {
  const { clock, log } = parts;
  const watch = createLoadWatch({
    clock,
    log,
    memory: parts.loadTimes,
    onMove: parts.onMove,
    onChange: parts.onChange,
  });
  let files: EngineCase | null = null;
  let gpu: string | null = null;
  let repairing = false;
  let ended = new AbortController().signal;

  const caseOf = () => ({ model: files?.modelId ?? null, gpu });
  const desired = (because: Record<string, string> = {}): Desired =>
    files === null
      ? null
      : { project: files.project, overrides: parts.overrides.current(files.project, caseOf()), because };
  const engine = () => files?.project.services.find(({ name }) => name === ENGINE_SERVICE);

  const repair = async (directory: string, modelId: string) => {
    try {
      const deleted = await parts.deleteDamaged(directory, modelId, ended);
      log.warn(
        deleted.length === 0
          ? 'every file of the model is what its name says; nothing was deleted'
          : `damaged files of the model were deleted and are fetched again: ${deleted.join(', ')}`,
      );
    } catch (error) {
      if (!ended.aborted) log.warn(`the files of the model could not be checked: ${errorMessage(error)}`);
    }
    parts.fetchModel();
    await clock.sleep(MODEL_LOOK_MS, ended).catch(() => undefined);
    repairing = false;
    parts.onGate();
  };

  return {
    onRun(service, notice) {
      if (service !== ENGINE_SERVICE) return;
      switch (notice.kind) {
        case 'began': {
          const started = { model: files?.modelId ?? '', image: notice.image };
          watch.begin({ ...notice, of: () => ({ ...started, gpu }) });
          return;
        }
        case 'ready':
          watch.ready();
          return;
        case 'ended':
          watch.end();
          return;
      }
    },
    onLogLine(service, line) {
      if (service === ENGINE_SERVICE) watch.line(line.text, line.timestamp);
    },
    heal(service, heal) {
      const spec = engine();
      if (service !== ENGINE_SERVICE || spec === undefined) return false;
      switch (heal.kind) {
        case 'override': {
          if (!parts.overrides.add(spec, heal, caseOf(), toTimestamp(clock.now()))) return false;
          // After the judgement that asked for it.
          queueMicrotask(() => parts.onDesired(desired({ [spec.name]: heal.cause })));
          return true;
        }
        case 'refetch': {
          const { modelId = null, modelDirectory = null } = files ?? {};
          if (modelId === null || modelDirectory === null) return false;
          if (repairing) return true;
          repairing = true;
          parts.onGate();
          void repair(modelDirectory, modelId);
          return true;
        }
        case 'recreate':
          return true;
        case 'restart_engine':
          return false;
      }
    },
    setFiles(next) {
      files = next;
      return desired();
    },
    setGpu(name) {
      if (name === gpu) return;
      gpu = name;
      if (files !== null) parts.onDesired(desired());
    },
    servedModel() {
      const spec = engine();
      return spec === undefined ? null : servedModelName(spec);
    },
    repairing: () => repairing,
    load: watch.view,
    loadSeconds() {
      const of = { model: files?.modelId ?? '', image: engine()?.image ?? '', gpu };
      const expected = parts.loadTimes.expected(of, true, { cached: null });
      if (expected === null) return null;
      return Object.values(expected).reduce((sum, ms) => sum + ms, 0) / 1_000;
    },
    async run(signal) {
      ended = signal;
      await watch.run(signal);
    },
  };
}

/** The administrator that the compose file creates in the page; null where it names none. */
export function pageAccount(page: Pick<ServiceSpec, 'environment'>): PageAccount | null {
  const { WEBUI_ADMIN_EMAIL: email, WEBUI_ADMIN_PASSWORD: password } = page.environment;
  return email === undefined || password === undefined ? null : { email, password };
}
