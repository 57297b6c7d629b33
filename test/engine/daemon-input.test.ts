import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHub } from '../stand-ins/hub/hub.ts';
import { repositoryFrom } from '../stand-ins/hub/repository.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import {
  daemonStage,
  READY_LIMIT_MS,
  STAGE_MODEL,
  tinyContents,
  untilReady,
} from '../support/daemon-stage.ts';
import { tinyImage } from '../support/engine.ts';
import { freePort } from '../support/ports.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

const run = promisify(execFile);
/** The promise: an engine that is gone is reported within this time; the daemon's own start is on top. */
const REPORTED_LIMIT_MS = 10_000 + 10_000;
/** A pull or a refused start, with a retry or two. */
const PROBLEM_LIMIT_MS = 40_000;
const TEST_LIMIT_MS = READY_LIMIT_MS + 60_000;

const stage = daemonStage('test-daemon');
let tiny: string;
let open: Registry;
let guarded: Registry;

beforeAll(async () => {
  tiny = await tinyImage(stage.engine);
  open = await startRegistry();
  guarded = await startRegistry({ user: 'tester', password: 'the-right-password' });
}, TEST_LIMIT_MS);

afterAll(async () => {
  await open?.remove();
  await guarded?.remove();
});

/** A compose file with one service `web` that only waits. */
function webFile(image: string, more = ''): string {
  return [
    'name: ${PROJECT}',
    'services:',
    '  web:',
    `    image: ${image}`,
    '    container_name: ${PROJECT}-web',
    '    command: ["sleep", "100000"]',
    '    stop_grace_period: 1s',
    '    x-ai-sandbox: {image_bytes: 1000000}',
    more,
  ].join('\n');
}

function untilProblem(daemon: RunningDaemon, code: string, limitMs = PROBLEM_LIMIT_MS) {
  return daemon
    .waitFor(({ problems }) => problems.some((problem) => problem.code === code), code, limitMs)
    .then(({ problems }) => problems.find((problem) => problem.code === code));
}

function untilRuns(daemon: RunningDaemon, service: string) {
  return daemon.waitFor(
    ({ services, problems }) => services[service]?.ready === true && problems.length === 0,
    `${service} runs without a problem`,
    READY_LIMIT_MS,
  );
}

describe('a bad setting', { timeout: TEST_LIMIT_MS }, () => {
  it.each([
    ['AI_SANDBOX_LISTEN', '0.0.0.0:9000'],
    ['AI_SANDBOX_STATE_DIR', 'state'],
    ['AI_SANDBOX_START_SILENCE_SECONDS', 'soon'],
    ['DOCKER_HOST', 'tcp://127.0.0.1:2375'],
    ['HF_ENDPOINT', 'http://hub.example.org'],
    ['MODEL_ID', 'not-a-model'],
  ])('%s=%s ends the daemon with one line and exit code 78', async (name, value) => {
    await using daemon = await stage.start({ environment: { [name]: value }, mayEnd: true });
    expect(await daemon.ended).toEqual({ code: 78, signal: null });
    expect(daemon.journal()).toMatch(/^[^\n]+\n$/);
    expect(daemon.journal()).toContain(`${name} is "${value}"; allowed is `);
  });
});

describe('what is taken', { timeout: TEST_LIMIT_MS }, () => {
  it('the port of the daemon: it says so and ends, and has started nothing', async () => {
    const port = await freePort();
    const owner = createServer().listen(port, '127.0.0.1');
    try {
      await using daemon = await stage.start({
        environment: { AI_SANDBOX_LISTEN: `127.0.0.1:${port}` },
        mayEnd: true,
      });
      expect(await daemon.ended).toEqual({ code: 1, signal: null });
      expect(daemon.journal().trimEnd().split('\n').at(-1)).toMatch(
        new RegExp(`ERROR .*127\\.0\\.0\\.1:${port}`),
      );
      const made = await stage.engine.docker(['ps', '-aq', '--filter', `name=${daemon.project}`]);
      expect(made.stdout).toBe('');
    } finally {
      owner.close();
    }
  });

  it('the control socket, by a daemon that runs: the second ends before it has written anything', async () => {
    await using first = await stage.start({ composeText: webFile(tiny) });
    await using second = await stage.start({
      environment: { AI_SANDBOX_SOCKET: join(first.folder, 'control.sock') },
      mayEnd: true,
    });
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.journal()).toMatch(
      /^[^\n]*ERROR daemon_cannot_listen: [^\n]*: already_running: another ai-sandbox daemon answers[^\n]*\n$/,
    );
    expect(await second.motd().catch(() => 'no motd')).toMatch(/^(no motd)?$/);
    expect((await first.status()).version).toBeTruthy();
  });

  it.concurrent('the port of a service: named, and the service runs as soon as it is free', async () => {
    const port = await freePort();
    const owner = createServer().listen(port, '127.0.0.1');
    await using daemon = await stage.start({
      composeText: webFile(tiny, `    ports: ["127.0.0.1:${port}:80"]`),
    });
    const problem = await untilProblem(daemon, 'port_in_use').finally(() => owner.close());
    expect(problem?.detail).toContain(String(port));
    await untilRuns(daemon, 'web');
  });

  it.concurrent('the name of a container, by somebody else: named, left alone, taken when it is free', async () => {
    let name = '';
    await using daemon = await stage.start({
      composeText: webFile(tiny),
      prepare: async (folder) => {
        name = `${folder.split('/').at(-1)?.toLowerCase()}-web`;
        await stage.engine.docker(['run', '-d', '--name', name, tiny, 'sleep', '100000']);
      },
    });
    const inspect = ['inspect', '-f', '{{.Id}} {{.State.Status}} {{.State.StartedAt}}', name];
    const before = await stage.engine.docker(inspect);
    try {
      const problem = await untilProblem(daemon, 'name_taken');
      expect(problem?.detail).toContain(name);
      expect((await daemon.status()).services['web']?.service_status).toBe('failed');
      expect((await stage.engine.docker(inspect)).stdout).toBe(before.stdout);
    } finally {
      await stage.engine.docker(['rm', '-f', name]);
    }
    await untilRuns(daemon, 'web');
  });
});

describe('an engine', { timeout: TEST_LIMIT_MS }, () => {
  it.concurrent('whose socket is missing is reported, and used as soon as it is there', async () => {
    let path = '';
    await using daemon = await stage.start({
      composeText: webFile(tiny),
      environment: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' },
    });
    const problem = await untilProblem(daemon, 'docker_unreachable', REPORTED_LIMIT_MS);
    expect(problem?.detail).toContain('/nonexistent/docker.sock');
    path = join(daemon.folder, 'late.sock');
    await daemon.restart({ DOCKER_HOST: `unix://${path}` });
    await untilProblem(daemon, 'docker_unreachable', REPORTED_LIMIT_MS);
    await symlink(stage.engine.socketPath, path);
    await untilRuns(daemon, 'web');
  });

  it.concurrent('whose socket may not be opened is named so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'closed-socket-'));
    const path = join(folder, 'docker.sock');
    const socket = createServer();
    try {
      await new Promise<void>((done) => socket.listen(path, done));
      await chmod(path, 0);
      await using daemon = await stage.start({
        composeText: webFile(tiny),
        // Root without the right to pass over the modes of files.
        through: ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'],
        environment: { DOCKER_HOST: `unix://${path}` },
      });
      const problem = await untilProblem(daemon, 'docker_permission_denied', REPORTED_LIMIT_MS);
      expect(problem?.detail).toContain('EACCES');
    } finally {
      socket.close();
      await rm(folder, { recursive: true });
    }
  });
});

describe('an image', { timeout: TEST_LIMIT_MS }, () => {
  it.concurrent('that does not exist is named, and used as soon as the file names another', async () => {
    const missing = `${open.host}/no/such-image:1`;
    await using daemon = await stage.start({ composeText: webFile(missing) });
    const problem = await untilProblem(daemon, 'image_not_found');
    expect(problem?.detail).toContain(missing);
    await writeFile(daemon.composePath, webFile(tiny));
    await untilRuns(daemon, 'web');
  });

  it.concurrent('of a registry that is down is pulled as soon as it is up', async () => {
    const registry = await startRegistry();
    try {
      const image = `${registry.host}/room/tiny:1`;
      await stage.engine.docker(['tag', tiny, image]);
      await stage.engine.docker(['push', image]);
      await stage.engine.docker(['rmi', image]);
      await registry.stop();
      await using daemon = await stage.start({ composeText: webFile(image) });
      await untilProblem(daemon, 'registry_unreachable');
      await registry.start();
      await untilRuns(daemon, 'web');
    } finally {
      await registry.remove();
    }
  });

  it.concurrent('behind a wrong password is named so, without the password', async () => {
    const wrong = Buffer.from('tester:the-wrong-password').toString('base64');
    await using daemon = await stage.start({
      composeText: webFile(`${guarded.host}/room/tiny:1`),
      prepare: async (folder) => {
        await mkdir(join(folder, '.docker'));
        const login = JSON.stringify({ auths: { [guarded.host]: { auth: wrong } } });
        await writeFile(join(folder, '.docker/config.json'), login);
      },
    });
    const problem = await untilProblem(daemon, 'registry_login_failed');
    expect(JSON.stringify([problem, daemon.journal()])).not.toContain('the-wrong-password');
    expect(daemon.journal()).not.toContain(wrong);
  });
});

describe('a model', { timeout: TEST_LIMIT_MS }, () => {
  it.concurrent('with hostile file names is refused, and nothing of it is written', async () => {
    const contents = { ...tinyContents(), '../../../evil.safetensors': { bytes: Buffer.from('evil') } };
    const hub = await startHub({ models: [await repositoryFrom(STAGE_MODEL, contents)] });
    try {
      await using daemon = await stage.start({ hubUrl: hub.url });
      const problem = await untilProblem(daemon, 'hub_answer_invalid');
      expect(problem?.detail).toContain('".."');
      const files = await readdir(daemon.folder, { recursive: true });
      expect(files.filter((file) => /evil|safetensors/.test(file))).toEqual([]);
      await daemon.waitFor(({ services }) => services['ui']?.ready === true, 'ui runs', READY_LIMIT_MS);
      expect((await daemon.status()).services['api']).toMatchObject({
        container_id: null,
        waiting_for: 'model',
      });
    } finally {
      await hub.close();
    }
  });

  it.concurrent('that the hub does not know is named, and another one is fetched when .env names it', async () => {
    await using daemon = await stage.start({ variables: { MODEL_ID: 'acme/none' } });
    const problem = await untilProblem(daemon, 'model_not_found');
    expect(problem?.detail).toContain('acme/none');
    await daemon.waitFor(
      ({ deployment }) =>
        deployment.deployment_status === 'failed' && deployment.problem?.code === 'model_not_found',
      'the deployment has failed for it',
      PROBLEM_LIMIT_MS,
    );
    const environment = await run('sed', ['s|acme/none|acme/tiny|', daemon.environmentPath]);
    await writeFile(daemon.environmentPath, environment.stdout);
    await untilReady(daemon);
  });

  it.concurrent('of a hub that does not answer is waited for', async () => {
    const hubUrl = `http://127.0.0.1:${await freePort()}`;
    await using daemon = await stage.start({ hubUrl });
    await untilProblem(daemon, 'hub_unreachable');
    const hub = await startHub({
      models: [await repositoryFrom(STAGE_MODEL, tinyContents())],
      port: Number(new URL(hubUrl).port),
    });
    try {
      await untilReady(daemon);
    } finally {
      await hub.close();
    }
  });
});

describe('the disk', { timeout: TEST_LIMIT_MS }, () => {
  it.concurrent('full under state, logs and models: all three are named, nothing ends, and all recovers', async () => {
    const mounts: string[] = [];
    const folders = ['state', 'logs', 'models'];
    await using daemon = await stage.start({
      prepare: async (folder) => {
        for (const name of folders) {
          const path = join(folder, name);
          await mkdir(path, { recursive: true });
          await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path]);
          mounts.push(path);
          await run('bash', ['-c', 'cat /dev/zero > "$1/filler" 2>/dev/null || true', 'fill', path]);
        }
      },
    });
    try {
      for (const code of ['state_not_writable', 'log_not_writable']) await untilProblem(daemon, code);
      const { problems } = await daemon.waitFor(
        ({ model }) => model.problem !== null,
        'the model does not fit',
        PROBLEM_LIMIT_MS,
      );
      expect(problems.map(({ code }) => code)).toContain('disk_too_small');
      await daemon.waitFor(({ services }) => services['ui']?.ready === true, 'ui runs', READY_LIMIT_MS);
      for (const path of mounts) {
        await run('mount', ['-o', 'remount,size=256m', path]);
        await run('rm', [join(path, 'filler')]);
      }
      await untilReady(daemon);
      await daemon.waitFor((status) => status.problems.length === 0, 'no problem', PROBLEM_LIMIT_MS);
      expect(await daemon.logFile('deployment.log')).toContain('deployment: completed');
    } finally {
      for (const path of mounts) await run('umount', ['-l', path]).catch(() => undefined);
    }
  });

  it.concurrent('with something else in the place of the state file: set aside, told, and all works', async () => {
    await using daemon = await stage.start({
      composeText: webFile(tiny),
      prepare: (folder) => mkdir(join(folder, 'state/state.json')).then(() => undefined),
    });
    await untilProblem(daemon, 'state_file_corrupt');
    await daemon.waitFor(({ services }) => services['web']?.ready === true, 'web runs', READY_LIMIT_MS);
    const stopped = await daemon.cli(['stop', 'web']);
    expect(stopped.code).toBe(0);
    await daemon.restart();
    const status = await daemon.waitFor(({ host }) => host.docker.reachable, 'engine', READY_LIMIT_MS);
    expect(status.services['web']?.wanted).toBe(false);
  });
});
