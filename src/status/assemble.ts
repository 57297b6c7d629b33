import { toTimestamp } from '../lib/clock.ts';
import type { ModelSnapshot } from '../model/types.ts';
import type { ServicesSnapshot } from '../services/types.ts';
import { expectedSeconds } from './expected.ts';
import type { Problem, ProblemClass } from './problem.ts';
import { overallProgress } from './progress.ts';
import type { BarFacts } from './progress-bar.ts';
import type {
  ChatView,
  ConfigurationState,
  DeploymentView,
  HostView,
  ModelView,
  ServiceView,
  Status,
} from './schema.ts';

/** Everything the rooms know at one moment; values only. */
export interface StatusFacts {
  version: string;
  now: Date;
  /** Seconds since the start of the daemon. */
  uptimeSeconds: number;
  services: ServicesSnapshot;
  model: ModelSnapshot & {
    /** `MODEL_ID` was set in the daemon's own environment. */
    pinned: boolean;
    /** Null while nothing has computed it. */
    memoryFit: ModelView['memory_fit'] | null;
    /** How far the engine is with loading; null while it is not loading. */
    load: ModelView['load'] | null;
  };
  deployment: DeploymentView;
  chat: ChatView;
  /** `docker` comes with the services. */
  host: Pick<HostView, 'gpus' | 'disks'>;
  links: Status['links'];
  /** Makes one bar of the progress of each phase; absent: the phase's own is shown. */
  bar?(status: BarFacts['status']): Status['progress'];
  /** Problems that belong to no room: compose errors, state file, motd. */
  problems: Problem[];
}

type StandingProblem = Status['problems'][number];

/** From what a person must see first to what passes by itself. */
const SEVERITY: Readonly<Record<ProblemClass, number>> = { fatal: 0, host: 1, restart: 2, transient: 3 };

const UNKNOWN_FIT: ModelView['memory_fit'] = {
  weights_bytes: null,
  kv_cache_bytes_per_token: null,
  max_model_len: null,
  verdict: null,
};

/** The services of the contract, shown while no compose file has been read. */
const EXPECTED_SERVICES = ['api', 'ui'] as const;

const UNREAD_SERVICE: ServiceView = {
  service_status: 'stopped',
  waiting_for: 'compose file',
  ready: false,
  image: '',
  container_id: null,
  started_at: null,
  restarts: 0,
  next_restart_at: null,
  wanted: true,
  pull: null,
  last_exit: null,
  overrides: {},
  problem: null,
};

/** Makes the one snapshot that everything shows out of what the rooms know. */
export function assembleStatus(facts: StatusFacts): Status {
  const composeKnown = Object.keys(facts.services.services).length > 0;
  const services = completeServices(facts.services.services);
  const api = services['api'];
  const model: ModelView = {
    model_identifier: facts.model.modelIdentifier,
    pinned: facts.model.pinned,
    revision: facts.model.revision,
    download_status: facts.model.downloadStatus,
    configuration_state: configurationState(facts.model, api),
    active_status: api?.ready === true,
    download: facts.model.download,
    load: facts.model.load ?? { phase: null, percent: null },
    memory_fit: facts.model.memoryFit ?? UNKNOWN_FIT,
    problem: facts.model.problem,
  };
  const own = overallProgress({
    services,
    model,
    dockerReachable: facts.services.docker.reachable,
    composeKnown,
  });
  const progress = facts.bar?.({ progress: own, services, model }) ?? own;
  return {
    version: facts.version,
    time: toTimestamp(facts.now),
    uptime_seconds: Math.max(0, Math.floor(facts.uptimeSeconds)),
    progress,
    deployment: { ...facts.deployment, expected_seconds: expectedSeconds(facts.deployment, progress, model) },
    model,
    services,
    chat: facts.chat,
    host: { gpus: facts.host.gpus, disks: facts.host.disks, docker: facts.services.docker },
    problems: standingProblems([
      ...facts.problems,
      ...facts.services.problems,
      facts.model.problem,
      ...Object.values(services).map((view) => view.problem),
      facts.chat.problem,
      facts.deployment.problem,
    ]),
    links: facts.links,
  };
}

/**
 * A serving engine has its model, whatever the cache says, so `ready` comes first; a failed download or engine is an
 * `error`; otherwise the cache decides between `not_configured` and `configuring`.
 */
function configurationState(model: ModelSnapshot, api: ServiceView | undefined): ConfigurationState {
  if (api?.ready === true) return 'ready';
  if (model.downloadStatus === 'failed' || api?.service_status === 'failed') return 'error';
  return model.complete ? 'configuring' : 'not_configured';
}

function completeServices(known: ServicesSnapshot['services']): Status['services'] {
  const views: Status['services'] = { ...known };
  if (Object.keys(known).length === 0) {
    for (const name of EXPECTED_SERVICES) views[name] = UNREAD_SERVICE;
  }
  const ui = views['ui'];
  if (ui !== undefined && ui.backend_ready === undefined) views['ui'] = { ...ui, backend_ready: null };
  return views;
}

/** One entry per problem (same code and detail; the earliest `since` is kept), most severe first, then oldest. */
function standingProblems(found: (StandingProblem | null)[]): StandingProblem[] {
  const distinct = new Map<string, StandingProblem>();
  for (const problem of found) {
    if (problem === null) continue;
    const key = `${problem.code}\n${problem.detail}`;
    const seen = distinct.get(key);
    if (seen === undefined || problem.since < seen.since) distinct.set(key, problem);
  }
  return [...distinct.values()].sort(
    (a, b) => SEVERITY[a.class] - SEVERITY[b.class] || a.since.localeCompare(b.since),
  );
}
