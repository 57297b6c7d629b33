import type { StatusFacts } from '../../src/status/assemble.ts';
import type { PullView, ServiceView } from '../../src/status/schema.ts';

/** The moment that the facts below describe. */
export const NOW = new Date('2026-03-04T05:06:07.890Z');

/** A service that runs and is ready. */
export function readyService(change: Partial<ServiceView> = {}): ServiceView {
  return {
    service_status: 'running',
    waiting_for: null,
    ready: true,
    image: 'example/api:1',
    container_id: 'c0ffee',
    started_at: '2026-03-04T05:00:00Z',
    restarts: 0,
    next_restart_at: null,
    wanted: true,
    pull: null,
    last_exit: null,
    overrides: {},
    problem: null,
    ...change,
  };
}

/** A pull of which so much has been fetched, and as much of that unpacked; `percent` follows from both. */
export function pullView(done: number, total: number | null, unpacked = done): PullView {
  return {
    phase: done === total ? 'unpacking' : 'downloading',
    bytes_done: done,
    bytes_total: total,
    bytes_unpacked: unpacked,
    percent: total === null ? null : (100 * (done + unpacked)) / (2 * total),
  };
}

/** A service that has not been started. */
export function stoppedService(change: Partial<ServiceView> = {}): ServiceView {
  return readyService({
    service_status: 'stopped',
    ready: false,
    container_id: null,
    started_at: null,
    ...change,
  });
}

/** What the rooms know when all is well; `change` replaces whole parts. */
export function readyFacts(change: Partial<StatusFacts> = {}): StatusFacts {
  return {
    version: '1.2.3',
    now: NOW,
    uptimeSeconds: 61.9,
    services: servicesOf({ api: readyService(), ui: readyService({ image: 'example/ui:1' }) }),
    model: {
      modelIdentifier: 'example/model',
      revision: 'a'.repeat(40),
      downloadStatus: 'completed',
      download: {
        bytes_done: 1000,
        bytes_total: 1000,
        bytes_per_second: null,
        eta_seconds: null,
        files_done: 3,
        files_total: 3,
      },
      complete: true,
      nextRetryAt: null,
      problem: null,
      pinned: false,
      memoryFit: null,
      load: null,
    },
    deployment: {
      deployment_status: 'completed',
      deployment_timestamp: '2026-03-04T05:00:00Z',
      instance_type: null,
      region: null,
      label: null,
      default_model_identifier: 'example/model',
      phases: [],
      target_seconds: 300,
      target_met: true,
      expected_seconds: 92.5,
      problem: null,
    },
    chat: {
      persistence_state: 'persisted',
      path: '/opt/open-webui',
      size_bytes: 4_300_000,
      session_count: 12,
      last_message_at: '2026-03-04T05:05:00Z',
      problem: null,
    },
    host: { gpus: null, disks: [{ path: '/opt', bytes_total: 500e9, bytes_free: 120e9 }] },
    links: { ui: 'http://192.0.2.1:3000', api: 'http://192.0.2.1:8000/v1' },
    problems: [],
    ...change,
  };
}

/** A snapshot of the services room with a reachable engine. */
export function servicesOf(
  services: Record<string, ServiceView>,
  change: Partial<StatusFacts['services']> = {},
): StatusFacts['services'] {
  return {
    services,
    problems: [],
    docker: { version: '20.10.24', api_version: '1.41', reachable: true },
    imageDirectory: '/var/lib/docker',
    mounts: {},
    published: {},
    ...change,
  };
}
