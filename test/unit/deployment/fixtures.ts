import type { DeploymentFacts } from '../../../src/deployment/facts.ts';
import type { Moment } from '../../../src/deployment/moment.ts';
import type { ServiceView, Status } from '../../../src/status/schema.ts';

type ShownProblem = Status['problems'][number];

export const BOOT = '5f0c2a8e-1111-4222-8333-0123456789ab';

/** The moment `seconds` after the start of the tests' one boot, 2026-11-23 17:00:00 UTC. */
export function at(seconds: number): Moment {
  return {
    at: `${new Date(Date.UTC(2026, 10, 23, 17) + seconds * 1000).toISOString().slice(0, 19)}Z`,
    boot_id: BOOT,
    uptime_seconds: seconds,
  };
}

export function service(changes: Partial<ServiceView> = {}): ServiceView {
  return {
    service_status: 'stopped',
    waiting_for: null,
    ready: false,
    image: 'example/image:1',
    container_id: null,
    started_at: null,
    restarts: 0,
    next_restart_at: null,
    wanted: true,
    pull: null,
    last_exit: null,
    overrides: {},
    problem: null,
    ...changes,
  };
}

export const READY: Partial<ServiceView> = {
  service_status: 'running',
  ready: true,
  container_id: 'c0ffee',
  started_at: '2026-11-23T17:02:00Z',
};

export function problem(changes: Partial<ShownProblem> = {}): ShownProblem {
  return {
    code: 'model_gated',
    class: 'fatal',
    title: 'The model may only be fetched after its terms are accepted',
    detail: 'acme/gated answered 403',
    remedy: 'Accept the terms on the page of the model.',
    since: '2026-11-23T17:01:00Z',
    ...changes,
  };
}

export const MODEL_READY: DeploymentFacts['model'] = {
  model_identifier: 'acme/small-instruct',
  download_status: 'completed',
  configuration_state: 'ready',
  active_status: true,
  problem: null,
};

export function facts(
  changes: Omit<Partial<DeploymentFacts>, 'model'> & { model?: Partial<DeploymentFacts['model']> } = {},
): DeploymentFacts {
  return {
    services: { api: service(), ui: service() },
    chatsChecked: false,
    pageSettled: true,
    engineAnswers: null,
    problems: [],
    installer: [],
    ...changes,
    model: {
      model_identifier: 'acme/small-instruct',
      download_status: 'pending',
      configuration_state: 'not_configured',
      active_status: false,
      problem: null,
      ...changes.model,
    },
  };
}

export const ALL_READY = facts({
  services: { api: service(READY), ui: service(READY) },
  model: MODEL_READY,
  chatsChecked: true,
});

type StatusChanges = {
  [Key in keyof Status]?: Status[Key] extends unknown[] ? Status[Key] : Partial<Status[Key]>;
};

/** A status of a fresh machine with the given parts changed. */
export function status(changes: StatusChanges = {}): Status {
  return {
    version: '0.1.0',
    time: '2026-11-23T17:03:20Z',
    uptime_seconds: 200,
    ...changes,
    progress: { phase: 'downloading the model', percent: 41.2, eta_seconds: 39, ...changes.progress },
    deployment: {
      deployment_status: 'in_progress',
      deployment_timestamp: '2026-11-23T17:00:00Z',
      instance_type: null,
      region: null,
      label: null,
      default_model_identifier: 'acme/small-instruct',
      phases: [],
      target_seconds: 300,
      target_met: null,
      expected_seconds: null,
      problem: null,
      ...changes.deployment,
    },
    model: {
      model_identifier: 'acme/small-instruct',
      pinned: false,
      revision: null,
      download_status: 'downloading',
      configuration_state: 'not_configured',
      active_status: false,
      download: {
        bytes_done: 5_800_000_000,
        bytes_total: 14_100_000_000,
        bytes_per_second: 212_000_000,
        eta_seconds: 39,
        files_done: 3,
        files_total: 12,
      },
      load: { phase: null, percent: null },
      memory_fit: { weights_bytes: null, kv_cache_bytes_per_token: null, max_model_len: null, verdict: null },
      problem: null,
      ...changes.model,
    },
    services: {
      api: service({ waiting_for: 'model' }),
      ui: service(READY),
      ...(changes.services as Status['services'] | undefined),
    },
    chat: {
      persistence_state: 'persisted',
      path: '/opt/open-webui',
      size_bytes: 4096,
      session_count: 2,
      last_message_at: null,
      problem: null,
      ...changes.chat,
    },
    host: {
      gpus: null,
      disks: [],
      docker: { version: '28.2.2', api_version: '1.50', reachable: true },
      ...changes.host,
    },
    problems: changes.problems ?? [],
    links: { ui: 'http://localhost:3000', api: 'http://localhost:8000', ...changes.links },
  };
}
