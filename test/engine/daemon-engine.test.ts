import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/status/schema.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import {
  chat,
  containerRun,
  type DaemonStage,
  daemonStage,
  READY_LIMIT_MS,
  untilReady,
} from '../support/daemon-stage.ts';

/** The promise: an engine that is gone is reported within this time. */
const REPORTED_WITHIN_SECONDS = 10;
/** Times in /status are whole seconds. */
const ROUNDING_SECONDS = 1;
/** What a daemon that misreads a returned engine would do, it does at its first lists of containers. */
const SETTLED_MS = 3_000;
const TEST_LIMIT_MS = READY_LIMIT_MS + 60_000;

/** Waits until the loss of the engine is reported; seconds from the loss to the report, by the times of /status. */
async function untilReported(
  daemon: RunningDaemon,
  lostAt: number,
): Promise<{ seconds: number; status: Status }> {
  const status = await daemon.waitFor(
    ({ host, problems }) =>
      !host.docker.reachable && problems.some(({ code }) => code === 'docker_unreachable'),
    'the loss of the engine is reported',
    REPORTED_WITHIN_SECONDS * 3_000,
  );
  const problem = status.problems.find(({ code }) => code === 'docker_unreachable');
  return { seconds: (Date.parse(problem?.since ?? '') - lostAt) / 1000, status };
}

async function untilRecovered(daemon: RunningDaemon): Promise<Status> {
  await daemon.waitFor(({ host }) => host.docker.reachable, 'the engine is back', READY_LIMIT_MS);
  await untilReady(daemon);
  const status = await daemon.status();
  expect(status.problems).toEqual([]);
  return status;
}

async function runs(stage: DaemonStage, daemon: RunningDaemon) {
  return [await containerRun(stage, daemon, 'api'), await containerRun(stage, daemon, 'ui')];
}

describe('an engine that keeps containers alive (live-restore)', { timeout: TEST_LIMIT_MS }, () => {
  const stage = daemonStage('test-daemon', { dockerdArguments: ['--live-restore'] });
  let daemon: RunningDaemon;
  beforeAll(async () => {
    daemon = await stage.startReady();
  }, TEST_LIMIT_MS);

  it('killed with SIGKILL, is reported within 10 s, and its containers are left alone when it is back', async () => {
    const before = await runs(stage, daemon);
    const lostAt = Date.now();
    stage.engine.kill('SIGKILL');
    const { seconds, status } = await untilReported(daemon, lostAt);
    expect(seconds).toBeLessThanOrEqual(REPORTED_WITHIN_SECONDS + ROUNDING_SECONDS);
    expect(status.problems[0]).toMatchObject({ class: 'host', remedy: expect.stringContaining('systemctl') });
    expect(await daemon.motd()).toContain('ERROR: The Docker engine does not answer');
    await stage.engine.start();
    const after = await untilRecovered(daemon);
    await sleep(SETTLED_MS);
    expect(await runs(stage, daemon)).toEqual(before);
    expect(after.services['api']?.restarts).toBe(0);
    expect(await daemon.motd()).not.toContain('ERROR');
    expect((await chat(daemon)).status).toBe(200);
  });

  it('halted with SIGSTOP, is reported within 10 s, and all goes on after SIGCONT', async () => {
    const before = await runs(stage, daemon);
    const lostAt = Date.now();
    stage.engine.kill('SIGSTOP');
    const { seconds, status } = await untilReported(daemon, lostAt).finally(() =>
      stage.engine.kill('SIGCONT'),
    );
    expect(status.model.active_status).toBe(true);
    expect(seconds).toBeLessThanOrEqual(REPORTED_WITHIN_SECONDS + ROUNDING_SECONDS);
    await untilRecovered(daemon);
    await sleep(SETTLED_MS);
    expect(await runs(stage, daemon)).toEqual(before);
  });
});

describe('an engine that ends its containers with itself', { timeout: TEST_LIMIT_MS }, () => {
  const stage = daemonStage('test-daemon');
  let daemon: RunningDaemon;
  beforeAll(async () => {
    daemon = await stage.startReady();
  }, TEST_LIMIT_MS);

  it('stopped, is reported within 10 s, and everything is started when it is back, without counting as failures', async () => {
    const before = await daemon.status();
    const lostAt = Date.now();
    stage.engine.kill('SIGTERM');
    const { seconds } = await untilReported(daemon, lostAt);
    expect(seconds).toBeLessThanOrEqual(REPORTED_WITHIN_SECONDS + ROUNDING_SECONDS);
    const gone = await daemon.waitFor(
      ({ model, services }) => !model.active_status && services['ui']?.ready === false,
      'nothing is called ready that ended with the engine',
      REPORTED_WITHIN_SECONDS * 3_000,
    );
    expect(gone.host.docker.reachable).toBe(false);
    expect(gone.problems.map(({ code }) => code)).toEqual(['docker_unreachable']);
    await stage.engine.restart();
    await daemon.waitFor(
      ({ services: { api, ui } }) => api?.last_exit != null && ui?.last_exit != null,
      'both exits are on record',
      READY_LIMIT_MS,
    );
    const status = await untilRecovered(daemon);
    for (const name of ['api', 'ui']) {
      expect(status.services[name]).toMatchObject({
        container_id: before.services[name]?.container_id,
        restarts: 1,
        last_exit: { attempt: 0, cause: 'ended because the Docker engine was stopped or restarted' },
      });
    }
    expect((await chat(daemon)).status).toBe(200);
  });

  it('restarted while the daemon is away, has its containers started by the daemon that comes back', async () => {
    daemon.kill('SIGKILL');
    await daemon.ended;
    await stage.engine.restart();
    await daemon.restart();
    await untilRecovered(daemon);
  });

  it('that is not there at the start of the daemon is waited for', async () => {
    await daemon.stop();
    stage.engine.kill('SIGKILL');
    await daemon.restart();
    const { status } = await untilReported(daemon, Date.now());
    expect(status.progress.phase).toBe('waiting for Docker');
    await stage.engine.restart();
    await untilRecovered(daemon);
  });
});
