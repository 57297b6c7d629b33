import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServiceView, Status } from '../../src/status/schema.ts';
import { ask } from '../contract/http.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { chat, containerRun, daemonStage, READY_LIMIT_MS, untilReady } from '../support/daemon-stage.ts';
import { toldWhile } from '../support/told.ts';

/** The promise: a hang is found within this time. */
const HANG_FOUND_SECONDS = 75;
/** So many failures of one cause are a loop; the longest wait between two of them. */
const LOOP_FAILURES = 5;
const LOOP_WAIT_MS = 40_000;
/** Times in /status are whole seconds. */
const ROUNDING_SECONDS = 1;
/** A change that only needs a few calls of a busy engine. */
const SOON_MS = 30_000;
const TEST_LIMIT_MS = READY_LIMIT_MS + 60_000;
const cpuTemplate = fileURLToPath(new URL('../../compose/docker-compose.cpu.yml', import.meta.url));

const stage = daemonStage('test-daemon');
let daemon: RunningDaemon;
let hanging: RunningDaemon;
/** These go on while other tests run: a hang needs a minute to be told from a long answer, a loop waits 10 s and 20 s. */
let hangFound: ReturnType<typeof observeHang>;
let loopSeen: ReturnType<typeof observeLoop>;

beforeAll(async () => {
  [daemon, hanging] = await Promise.all([stage.startReady(), stage.startReady()]);
  hangFound = observeHang();
  loopSeen = observeLoop();
  // Their failures are those of the tests that wait for them.
  for (const observed of [hangFound, loopSeen]) observed.catch(() => undefined);
}, TEST_LIMIT_MS);

async function observeHang() {
  const hungAt = Date.now();
  await ask(`http://127.0.0.1:${hanging.apiPort}/stand-in/hang`, { body: {} });
  const healthDuring = (await ask(`http://127.0.0.1:${hanging.apiPort}/health`)).status;
  const found = hanging.waitFor(
    (now) => exitOf(now, 'api') !== null,
    'the hang is found',
    (HANG_FOUND_SECONDS + 15) * 1000,
  );
  const back = found.then(() => untilReady(hanging));
  const { told } = await toldWhile(hanging, 'api', back);
  return { status: await found, hungAt, healthDuring, told };
}

/** A service whose every start fails: how long it waits after each failure, in milliseconds, and what becomes of it. */
async function observeLoop() {
  const text = (await readFile(cpuTemplate, 'utf8')).replace(
    'VLLM_NO_USAGE_STATS: "1"',
    '$&\n      STAND_IN_FAIL: unnamed\n      STAND_IN_LOAD_SECONDS: "1"',
  );
  const failing = await stage.start({ composeText: text });
  const seen: { view: ServiceView; waitMs: number }[] = [];
  for (const attempt of [1, 2, 3, 4, LOOP_FAILURES]) {
    const { services } = await failing.waitFor(
      // The log of the first is read beside the restart, which may have failed as well by then.
      (status) => {
        const exit = exitOf(status, 'api');
        return exit?.attempt === attempt && (attempt === 1 || exit.code !== undefined);
      },
      `failure ${attempt}`,
      LOOP_WAIT_MS + READY_LIMIT_MS,
    );
    const view = services['api'];
    if (view === undefined) throw new Error('there is no api');
    const next = view.next_restart_at;
    const at = view.last_exit?.at ?? '';
    seen.push({ view, waitMs: next === null ? 0 : Date.parse(next) - Date.parse(at) });
  }
  const settled = await failing.waitFor(
    ({ services }) => services['api']?.service_status === 'failed',
    'the loop is settled',
    READY_LIMIT_MS,
  );
  const motd = (await failing.motd()).replace(/\s+/g, ' ');
  const readyz = (await failing.readyz()).status;
  const asked = await failing.cli(['restart', 'api']);
  const retried = await failing.waitFor(
    ({ services }) => (services['api']?.restarts ?? 0) > LOOP_FAILURES,
    'it is tried again on demand',
    READY_LIMIT_MS,
  );
  const journal = failing.journal();
  await failing.cleanup();
  return { seen, settled, motd, readyz, asked, retried, journal };
}

function exitOf(status: Status, service: string) {
  return status.services[service]?.last_exit ?? null;
}

/** Waits until the service has another record of an exit and is ready again. */
function untilBack(service: string, before: Status): Promise<Status> {
  const restarts = before.services[service]?.restarts ?? 0;
  return daemon.waitFor(
    ({ services }) => (services[service]?.restarts ?? 0) > restarts && services[service]?.ready === true,
    `${service} is back`,
    READY_LIMIT_MS,
  );
}

describe('a service that ends without being asked to', { timeout: TEST_LIMIT_MS }, () => {
  it('is started again at once after the death of its engine process, although the exit code is 0', async () => {
    const before = await daemon.status();
    await ask(`http://127.0.0.1:${daemon.apiPort}/stand-in/crash-engine`, { body: {} });
    const { result: after, told } = await toldWhile(daemon, 'api', untilBack('api', before));
    expect(after.services['api']).toMatchObject({
      restarts: 1,
      container_id: before.services['api']?.container_id,
      problem: null,
      last_exit: {
        exit_code: 0,
        oom_killed: false,
        cause: expect.stringContaining('exited with code 0, not asked for'),
        attempt: 1,
      },
    });
    const gathered = await daemon.waitFor(
      (status) => exitOf(status, 'api')?.code !== undefined,
      'the log is kept, and the cause found in it',
      SOON_MS,
    );
    expect(exitOf(gathered, 'api')?.log_tail.join('\n')).toContain('engine core exited unexpectedly');
    expect(exitOf(gathered, 'api')?.code).toBe('engine_dead');
    const title = 'The process that computes has died';
    expect(told.problems['engine_dead']).toMatchObject({
      title,
      detail: expect.stringContaining('exit code 0'),
      remedy: expect.stringContaining('restarted by itself'),
    });
    expect(told.motd['engine_dead']).toContain(`ERROR: ${title}`);
    expect(await daemon.motd()).not.toContain('ERROR');
    expect((await chat(daemon)).status).toBe(200);
    expect(gathered.deployment.deployment_status).toBe('completed');
  });

  it('is started again after its process was killed from the host', async () => {
    const before = await daemon.status();
    const { pid } = await containerRun(stage, daemon, 'ui');
    process.kill(pid, 'SIGKILL');
    const after = await untilBack('ui', before);
    expect(after.services['ui']?.last_exit).toMatchObject({
      exit_code: 137,
      cause: expect.stringContaining('exited with code 137 (signal 9), not asked for'),
      attempt: 1,
    });
  });

  it('is started again after `docker stop`, with the right command named', async () => {
    const before = await daemon.status();
    await stage.engine.docker(['stop', `${daemon.project}-api`]);
    const after = await untilBack('api', before);
    expect(after.services['api']?.last_exit).toMatchObject({
      cause: expect.stringMatching(/ended from outside.*ai-sandbox stop api/),
      attempt: 0,
    });
  });

  it('is started again after `docker kill`, named so', async () => {
    const before = await daemon.status();
    await stage.engine.docker(['kill', `${daemon.project}-ui`]);
    const after = await untilBack('ui', before);
    expect(after.services['ui']?.last_exit).toMatchObject({
      exit_code: 137,
      cause: expect.stringContaining('ended from outside by docker stop or docker kill (signal 9)'),
      attempt: 0,
    });
  });

  it('is made anew after `docker rm -f`', async () => {
    const before = await containerRun(stage, daemon, 'ui');
    await stage.engine.docker(['rm', '-f', before.id]);
    await daemon.waitFor(
      ({ services: { ui } }) => ui?.ready === true && ui.container_id !== before.id,
      'ui is back in another container',
      READY_LIMIT_MS,
    );
  });

  it('leaves a dated line in deployment.log for every exit', async () => {
    const text = await daemon.logFile('deployment.log');
    expect(text).toContain('api: ended: exited with code 0, not asked for, exit code 0, attempt 1');
    expect(text).toContain('ui: ended: exited with code 137 (signal 9)');
    expect(text).toContain('ai-sandbox stop api');
  });

  it('waits longer from restart to restart when it fails again and again', async () => {
    const { seen } = await loopSeen;
    const waits = seen.slice(0, -1).map(({ waitMs }) => Math.round(waitMs / 5_000) * 5);
    expect(waits).toEqual([0, 10, 20, 40]);
    expect(seen[2]?.view).toMatchObject({
      service_status: 'stopped',
      problem: { code: 'unknown_failure', detail: expect.stringContaining('a reason of its own') },
    });
  });

  it('settles after five failures of one cause: failed, named everywhere, tried again slowly or on demand', async () => {
    const { settled, motd, readyz, asked, retried, journal } = await loopSeen;
    const problem = {
      code: 'restart_loop',
      class: 'fatal',
      detail: expect.stringMatching(/^5 times within 30 minutes: .*a reason of its own/),
      remedy: expect.stringContaining('ai-sandbox restart api'),
    };
    expect(settled.services['api']).toMatchObject({ service_status: 'failed', restarts: 5, problem });
    expect(settled.problems).toContainEqual(expect.objectContaining(problem));
    const slowly = Date.parse(settled.services['api']?.next_restart_at ?? '') - Date.parse(settled.time);
    expect(slowly).toBeGreaterThan(200_000);
    expect(motd).toContain('ERROR: The service fails again and again for the same cause');
    expect(motd).toContain('a reason of its own');
    expect(motd).toContain('ai-sandbox restart api');
    expect(readyz).toBe(503);
    expect(journal).toMatch(/restart_loop: The service fails again and again.*a reason of its own/);
    expect(journal).toContain('api is not restarted at once any more: restart_loop');
    expect(asked.code).toBe(0);
    expect(retried.services['api']?.last_exit?.attempt).toBe(1);
  });
});

describe('the daemon itself', { timeout: TEST_LIMIT_MS }, () => {
  it('killed and started again, leaves both containers alone', async () => {
    await untilReady(daemon);
    const before = [await containerRun(stage, daemon, 'api'), await containerRun(stage, daemon, 'ui')];
    const then = await daemon.status();
    daemon.kill('SIGKILL');
    await daemon.restart();
    await untilReady(daemon);
    expect([await containerRun(stage, daemon, 'api'), await containerRun(stage, daemon, 'ui')]).toEqual(
      before,
    );
    const now = await daemon.status();
    expect(now.deployment.deployment_timestamp).toBe(then.deployment.deployment_timestamp);
    expect(now.services['api']?.restarts).toBe(then.services['api']?.restarts);
  });

  it('stopped, leaves both containers running, says so in the login message, and ends with code 0', async () => {
    const ended = await daemon.stop();
    expect(ended).toEqual({ code: 0, signal: null });
    expect((await containerRun(stage, daemon, 'api')).state).toBe('running');
    expect(await daemon.motd()).toMatch(/not running|stopped/i);
    const status = await daemon.cli(['status']);
    expect(status).toMatchObject({ code: 3, stdout: expect.stringContaining('the daemon is not running') });
  });

  it('finds what ended while it was away, and starts it', async () => {
    await stage.engine.docker(['kill', `${daemon.project}-ui`]);
    await daemon.restart();
    const status = await daemon.waitFor(
      ({ services: { ui } }) => ui?.ready === true,
      'ui is back',
      READY_LIMIT_MS,
    );
    expect(status.services['ui']?.last_exit).toMatchObject({ exit_code: 137 });
  });

  it("keeps a user's stop across its own restart, until the user starts the service", async () => {
    const stopped = await daemon.cli(['stop', 'ui']);
    expect(stopped).toMatchObject({ code: 0, stdout: 'ui: stopped\n' });
    expect((await containerRun(stage, daemon, 'ui')).state).toBe('exited');
    daemon.kill('SIGKILL');
    await daemon.restart();
    await daemon.waitFor(
      ({ services, uptime_seconds }) => services['api']?.ready === true && uptime_seconds >= 5,
      'api is known, and time enough has passed to start ui',
      READY_LIMIT_MS,
    );
    expect((await daemon.status()).services['ui']).toMatchObject({
      service_status: 'stopped',
      wanted: false,
      problem: null,
    });
    expect((await containerRun(stage, daemon, 'ui')).state).toBe('exited');
    expect((await daemon.readyz()).body).toContain('stopped on request');
    expect((await daemon.cli(['start', 'ui'])).code).toBe(0);
    await untilReady(daemon);
  });
});

describe('a service that hangs', { timeout: TEST_LIMIT_MS + HANG_FOUND_SECONDS * 1000 }, () => {
  it(`whose /health still answers, is found within ${HANG_FOUND_SECONDS} s, killed and started again`, async () => {
    const { status, hungAt, healthDuring } = await hangFound;
    expect(healthDuring).toBe(200);
    const exit = exitOf(status, 'api');
    expect(exit?.cause).toBe('answered no probe three times in a row and was killed');
    const foundSeconds = (Date.parse(exit?.at ?? '') - hungAt) / 1000;
    expect(foundSeconds).toBeLessThanOrEqual(HANG_FOUND_SECONDS + ROUNDING_SECONDS);
    await untilReady(hanging);
    expect((await chat(hanging)).status).toBe(200);
  });

  it('is told in the words of a hang, in /status and at the login, until it serves again', async () => {
    const { told } = await hangFound;
    expect(told.problems['not_responding']).toMatchObject({
      title: 'The service ran but answered no request',
      detail: 'api answered no probe three times in a row and was killed',
      remedy: expect.stringContaining('ai-sandbox logs api'),
    });
    expect(told.motd['not_responding']).toContain('ERROR: The service ran but answered no request');
    expect(hanging.journal()).toContain('not_responding: The service ran but answered no request');
    await untilReady(hanging);
    expect(await hanging.motd()).not.toContain('ERROR');
  });

  it('was shown as not ready before it was killed', async () => {
    await hangFound;
    expect(await hanging.logFile('deployment.log')).toMatch(
      /api: (starting|running, not ready)[\s\S]*api: ended: answered no probe/,
    );
  });
});
