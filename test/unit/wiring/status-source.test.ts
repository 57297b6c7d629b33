import { describe, expect, it } from 'vitest';
import { NO_INSTALLER } from '../../../src/deployment/installer.ts';
import { type DeploymentMemory, INITIAL_DEPLOYMENT } from '../../../src/deployment/machine.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import type { ServicesSnapshot } from '../../../src/services/types.ts';
import { loadSettings } from '../../../src/settings.ts';
import { toProblem } from '../../../src/status/problem.ts';
import { createStatusSource } from '../../../src/wiring/status-source.ts';
import { NOW, readyFacts } from '../../support/status-facts.ts';

const MOMENT = { at: '2026-03-04T05:06:07Z', boot_id: 'boot', uptime_seconds: 100 };

function setStage(memory: DeploymentMemory = INITIAL_DEPLOYMENT) {
  const loaded = loadSettings({});
  if ('errors' in loaded) throw new Error('the defaults are valid');
  const facts = readyFacts();
  const writes: DeploymentMemory[] = [];
  const store: { quarantined: { path: string; reason: string } | null; error: string | null } = {
    quarantined: null,
    error: null,
  };
  const stage = { services: facts.services as ServicesSnapshot, memory, writes, store };
  const source = createStatusSource({
    version: '1.2.3',
    clock: { monotonicMs: () => 0, now: () => NOW, sleep: () => Promise.resolve() },
    log: silentLog,
    redactor: createRedactor(),
    settings: loaded.settings,
    moment: () => MOMENT,
    services: () => stage.services,
    model: () => facts.model,
    chats: { snapshot: () => facts.chat, checked: () => true },
    deployment: {
      get: () => stage.memory,
      set: async (next) => {
        stage.memory = next;
        writes.push(next);
      },
    },
    load: () => null,
    loadSeconds: () => null,
    identity: {
      identity: () => ({ instance_type: 'g2-gpu-rtx4000a1-s', region: 'us-ord', label: 'box' }),
      publicAddresses: () => ['198.51.100.4'],
    },
    store: {
      get quarantined() {
        return store.quarantined;
      },
      lastWriteError: () => store.error,
    },
    desiredProblems: () => [],
    installer: { verdict: () => NO_INSTALLER, problem: () => null },
    exposure: { settled: () => true, problems: () => [] },
    gpus: { gpus: () => null, problem: () => null },
  });
  return { ...stage, stage, source };
}

describe('the source of the status', () => {
  it('completes the deployment when everything is ready, in the same status, and remembers it once', () => {
    const { source, writes } = setStage();
    expect(source.assemble().deployment.deployment_status).toBe('completed');
    expect(source.assemble().deployment.deployment_status).toBe('completed');
    expect(writes).toHaveLength(1);
  });

  it('says which machine this is and where it is reached by the word of its cloud', () => {
    const { source, stage } = setStage();
    const published = { ui: [{ hostIp: '0.0.0.0', hostPort: 3000, target: '8080/tcp' }] };
    stage.services = { ...stage.services, published };
    const { deployment, links } = source.assemble();
    expect(deployment).toMatchObject({
      instance_type: 'g2-gpu-rtx4000a1-s',
      region: 'us-ord',
      label: 'box',
    });
    expect(links.ui).toBe('http://198.51.100.4:3000');
  });

  it('takes a failed deployment up again when its cause is gone, though not everything is ready yet', () => {
    const { source, stage } = setStage();
    const answered = stage.services;
    const services = Object.fromEntries(
      Object.entries(answered.services).map(([name, view]) => [
        name,
        { ...view, service_status: 'stopped' as const, ready: false },
      ]),
    );
    const away = toProblem({ code: 'docker_unreachable', detail: 'refused' }, { now: () => NOW });
    stage.services = { ...answered, services, problems: [away] };
    expect(source.assemble().deployment).toMatchObject({
      deployment_status: 'failed',
      problem: { code: 'docker_unreachable' },
    });
    stage.services = { ...answered, services, problems: [] };
    expect(source.assemble().deployment).toMatchObject({ deployment_status: 'in_progress', problem: null });
  });

  it('leaves a failed deployment as it was until the engine has said anything', () => {
    const { source, stage, writes } = setStage({
      ...INITIAL_DEPLOYMENT,
      started: MOMENT,
      deployment_status: 'failed',
    });
    const answered = stage.services;
    stage.services = { ...answered, docker: { version: null, api_version: null, reachable: false } };
    expect(source.assemble().deployment.deployment_status).toBe('failed');
    expect(writes).toEqual([]);
    stage.services = answered;
    expect(source.assemble().deployment.deployment_status).toBe('completed');
  });

  it('shows problems of its surfaces and of the state file, and takes them back', () => {
    const { source, stage } = setStage();
    source.setFinding('motd', { code: 'motd_not_writable', detail: '/etc/motd: read-only' });
    stage.store.quarantined = { path: '/state.corrupt', reason: 'not JSON' };
    stage.store.error = 'ENOSPC';
    const codes = source.assemble().problems.map(({ code }) => code);
    expect(codes.sort()).toEqual(['motd_not_writable', 'state_file_corrupt', 'state_not_writable']);
    source.setFinding('motd', null);
    stage.store.error = null;
    expect(source.assemble().problems.map(({ code }) => code)).toEqual(['state_file_corrupt']);
  });
});
