import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import { specHash } from '../../../src/compose/spec-hash.ts';
import type { ObservedContainer } from '../../../src/docker/engine.ts';
import { containerLabels } from '../../../src/docker/labels.ts';
import { observe } from '../../../src/services/observe.ts';
import { plan } from '../../../src/services/plan.ts';
import type { Known, KnownService } from '../../../src/services/plan-inputs.ts';
import { formatPlan } from '../../../src/services/step.ts';
import { project, service } from './support.ts';

const known = (fields: Partial<KnownService> = {}): KnownService => ({
  wanted: true,
  failed: false,
  notBefore: 0,
  serving: false,
  started: true,
  uncertain: false,
  restartRequested: false,
  doomed: null,
  recreate: null,
  completed: false,
  lastExit: '',
  ...fields,
});

interface Scene {
  services?: ServiceSpec[];
  containers?: ObservedContainer[];
  known?: Record<string, Partial<KnownService>>;
  rest?: Partial<Known>;
  now?: number;
}

const API = service('api');
const UI = service('ui');

function planOf(scene: Scene): string {
  const services = scene.services ?? [API];
  const file = project(services);
  const hashes = Object.fromEntries(services.map((spec) => [spec.name, specHash(file, spec)]));
  const desired = { project: file, services, hashes };
  const all: Known = {
    services: Object.fromEntries(services.map((spec) => [spec.name, known(scene.known?.[spec.name])])),
    gates: {},
    images: Object.fromEntries(services.map((spec) => [spec.image, 'present' as const])),
    networks: new Set(['ai-sandbox-network']),
    volumes: new Set(),
    ready: new Set(),
    retryAt: {},
    ...scene.rest,
  };
  const { steps, waitingFor } = plan(desired, observe(desired, scene.containers ?? []), all, scene.now ?? 0);
  const waits = Object.entries(waitingFor).filter(([, word]) => word !== null);
  return [formatPlan(steps), ...waits.map(([name, word]) => `${name} waits for ${word}`)].join('\n');
}

function container(spec: ServiceSpec, fields: Partial<ObservedContainer> = {}): ObservedContainer {
  const file = project([spec]);
  return {
    id: `${spec.name}0123456789abcdef`,
    name: spec.containerName,
    labels: containerLabels(file, spec, specHash(file, spec), null),
    image: spec.image,
    imageId: '',
    state: 'running',
    exitCode: 0,
    oomKilled: false,
    error: '',
    startedAt: '2026-01-01T00:00:00.5Z',
    finishedAt: null,
    createdAt: '2026-01-01T00:00:00Z',
    restartPolicy: 'no',
    health: 'none',
    pid: 1,
    tty: false,
    logDriver: 'local',
    addresses: {},
    publishedPorts: {},
    mounts: [],
    networkNames: [],
    ...fields,
  };
}

const exited = (spec: ServiceSpec, fields: Partial<ObservedContainer> = {}) =>
  container(spec, { state: 'exited', exitCode: 1, ...fields });

describe('creation', () => {
  test('fetches image and network at the same time, for both services', () => {
    const rest = {
      images: { 'image-api': 'missing', 'image-ui': 'missing' },
      networks: new Set<string>(),
    } as const;
    expect(planOf({ services: [API, UI], rest })).toBe(
      [
        'pullImage image-api: api needs it and it is not there',
        'createNetwork ai-sandbox-network: api joins it and it is not there',
        'pullImage image-ui: ui needs it and it is not there',
        'api waits for image',
        'ui waits for image',
      ].join('\n'),
    );
  });

  test('makes the container when everything is there', () => {
    expect(planOf({})).toBe('createContainer api: there is no container of it');
  });

  test('waits at the gate of the model while the image is pulled', () => {
    const rest = { images: { 'image-api': 'missing' as const }, gates: { api: { waitingFor: 'model' } } };
    expect(planOf({ rest })).toBe(
      'pullImage image-api: api needs it and it is not there\napi waits for image',
    );
    expect(planOf({ rest: { gates: { api: { waitingFor: 'model' } } } })).toBe(
      'nothing to do\napi waits for model',
    );
  });

  test('follows depends_on at the first start only', () => {
    const needs = service('ui', { dependsOn: [{ service: 'api', condition: 'service_started' }] });
    const scene = {
      services: [API, needs],
      containers: [exited(API, { state: 'created', startedAt: null })],
    };
    expect(planOf({ ...scene, known: { ui: { started: false } } })).toBe(
      'startContainer api (api012345678): its container is new\nui waits for api',
    );
    expect(planOf({ ...scene, known: { ui: { started: true } } })).toContain('createContainer ui');
  });

  test('does nothing for a service that a user stopped', () => {
    expect(planOf({ known: { api: { wanted: false } } })).toBe('nothing to do');
  });

  test('leaves a lane in peace that failed a moment ago', () => {
    expect(planOf({ rest: { retryAt: { 'service:api': 5 } }, now: 4 })).toBe('nothing to do');
    expect(planOf({ rest: { retryAt: { 'service:api': 5 } }, now: 5 })).toContain('createContainer api');
  });
});

describe('a running container', () => {
  test('is left alone', () => {
    expect(planOf({ containers: [container(API)] })).toBe('nothing to do');
  });

  test('is left alone when it is of another hash version, or was made by docker compose', () => {
    const labels = container(API).labels;
    const other = { ...labels, 'io.ai-sandbox.spec-hash': `v2:${'0'.repeat(64)}` };
    expect(planOf({ containers: [container(API, { labels: other })] })).toBe('nothing to do');
    const { 'io.ai-sandbox.spec-hash': _ours, ...composes } = labels;
    expect(planOf({ containers: [container(API, { labels: composes })] })).toBe('nothing to do');
  });

  test('loses the restart policy that somebody gave it', () => {
    expect(planOf({ containers: [container(API, { restartPolicy: 'always' })] })).toBe(
      'setRestartPolicy api (api012345678): its restart policy is always, and the daemon alone restarts',
    );
  });

  test('is stopped within 5 s while starting and 30 s while serving', () => {
    const scene = { containers: [container(API)] };
    expect(planOf({ ...scene, known: { api: { wanted: false } } })).toBe(
      'stopContainer api (api012345678) within 5 s: a user stopped it',
    );
    expect(planOf({ ...scene, known: { api: { wanted: false, serving: true } } })).toBe(
      'stopContainer api (api012345678) within 30 s: a user stopped it',
    );
  });

  test('is stopped within the grace of the file while serving', () => {
    const patient = service('api', { stopGracePeriodMs: 90_000 });
    const scene = { services: [patient], containers: [container(patient)] };
    expect(planOf({ ...scene, known: { api: { wanted: false, serving: true } } })).toContain('within 90 s');
  });

  test('is killed when it hangs', () => {
    const doomed = { containerId: container(API).id, reason: 'hang', cause: 'it answered no probe' } as const;
    expect(planOf({ containers: [container(API)], known: { api: { doomed } } })).toBe(
      'killContainer api (api012345678): it answered no probe',
    );
  });

  test('serves on until the image of its changed successor is there', () => {
    const changed = service('api', { image: 'image-new' });
    const scene = { services: [changed], containers: [container(API)] };
    expect(planOf({ ...scene, rest: { images: { 'image-new': 'missing' } } })).toBe(
      'pullImage image-new: api needs it and it is not there',
    );
    expect(planOf(scene)).toBe(
      'stopContainer api (api012345678) within 5 s: its part of the compose file has changed',
    );
  });
});

describe('a container that stands', () => {
  test('is started again with the cause of its exit', () => {
    const lastExit = 'it exited with code 0, not asked for';
    expect(planOf({ containers: [exited(API)], known: { api: { lastExit } } })).toBe(
      'startContainer api (api012345678): it exited with code 0, not asked for',
    );
  });

  test('is not started before its time, nor after a fatal failure, nor while the engine must be asked', () => {
    const containers = [exited(API)];
    expect(planOf({ containers, known: { api: { notBefore: 10 } }, now: 9 })).toBe('nothing to do');
    expect(planOf({ containers, known: { api: { notBefore: 10 } }, now: 10 })).toContain('startContainer');
    expect(planOf({ containers, known: { api: { failed: true } } })).toBe('nothing to do');
    expect(planOf({ containers, known: { api: { uncertain: true } } })).toBe('nothing to do');
  });

  test('is removed and made anew when the file has changed', () => {
    const changed = service('api', { command: ['other'] });
    expect(planOf({ services: [changed], containers: [exited(API)] })).toBe(
      'removeContainer api (api012345678): its part of the compose file has changed',
    );
  });

  test('waits while the engine is removing it', () => {
    expect(planOf({ containers: [exited(API, { state: 'removing' })] })).toBe('nothing to do');
  });
});

describe('strangers', () => {
  test('without labels keep our name and are never touched', () => {
    const stranger = container(API, { labels: {}, restartPolicy: 'always' });
    expect(planOf({ containers: [stranger] })).toBe('nothing to do');
  });

  test('of another compose project are never touched, whether we made them for another file or compose for this one', () => {
    const labels: Record<string, string> = {
      ...container(API).labels,
      'com.docker.compose.project': 'other',
    };
    const ofAnotherFile = { ...labels, 'com.docker.compose.project.config_files': '/srv/compose.yml' };
    const { 'io.ai-sandbox.spec-hash': _hash, ...ofCompose } = labels;
    for (const foreign of [ofAnotherFile, ofCompose]) {
      expect(planOf({ containers: [exited(API, { labels: foreign })] })).toBe('nothing to do');
      const elsewhere = container(API, { id: 'elsewhere', name: 'other-api-1', labels: foreign });
      expect(planOf({ containers: [container(API), elsewhere] })).toBe('nothing to do');
    }
  });

  test('of docker compose run are no duplicates', () => {
    const labels = { ...container(API).labels, 'com.docker.compose.oneoff': 'True' };
    const once = container(API, { id: 'once0', name: 'ai-sandbox-api-run-1', labels });
    expect(planOf({ containers: [container(API), once] })).toBe('nothing to do');
  });
});

describe('what must go', () => {
  test('a second container of a service is stopped, then removed', () => {
    const second = container(API, { id: 'second0123456789', name: 'ai-sandbox-api-2' });
    expect(planOf({ containers: [container(API), second] })).toBe(
      'stopContainer api (second012345) within 5 s: a second container of the service, named ai-sandbox-api-2',
    );
    expect(planOf({ containers: [container(API), { ...second, state: 'exited' }] })).toBe(
      'removeContainer api (second012345): a second container of the service, named ai-sandbox-api-2',
    );
  });

  test('what we made for this file under another project name is made anew under the new one', () => {
    const renamed = (spec: ServiceSpec) => ({
      labels: { ...container(spec).labels, 'com.docker.compose.project': 'before' },
      name: `before-${spec.name}-1`,
    });
    const cause =
      'the project of the compose file is called ai-sandbox now; it was made when that was before';
    expect(planOf({ containers: [container(API, renamed(API))] })).toBe(
      `stopContainer api (api012345678) within 5 s: ${cause}`,
    );
    expect(planOf({ containers: [exited(API, renamed(API))] })).toBe(
      `removeContainer api (api012345678): ${cause}`,
    );
    expect(planOf({ containers: [container(API), exited(UI, renamed(UI))] })).toBe(
      'removeContainer ui (ui0123456789): its service is not in the compose file any more; its data is kept',
    );
  });

  test('a service that left the file has the time to stop that its container was made with', () => {
    const scene = { services: [API], containers: [container(API), container(UI, { stopGraceMs: 90_000 })] };
    expect(planOf(scene)).toContain('stopContainer ui (ui0123456789) within 90 s');
  });

  test('the container of a service that left the file is stopped, then removed', () => {
    const scene = { services: [API], containers: [container(API), container(UI)] };
    expect(planOf(scene)).toBe(
      'stopContainer ui (ui0123456789) within 30 s: its service is not in the compose file any more; its data is kept',
    );
    expect(planOf({ ...scene, containers: [container(API), exited(UI)] })).toBe(
      'removeContainer ui (ui0123456789): its service is not in the compose file any more; its data is kept',
    );
  });
});
