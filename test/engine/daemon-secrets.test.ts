import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/status/schema.ts';
import { type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { repositoryFrom } from '../stand-ins/hub/repository.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { daemonStage, READY_LIMIT_MS, STAGE_MODEL, tinyContents } from '../support/daemon-stage.ts';
import { tinyImage } from '../support/engine.ts';
import {
  composeWithWeb,
  LET_IN,
  PLANTED,
  type Secret,
  secretsIn,
  WEB_ENVIRONMENT_FILE,
} from '../support/planted-secrets.ts';
import { freePort } from '../support/ports.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

const TEST_LIMIT_MS = READY_LIMIT_MS + 60_000;

/** Secrets that the compose file hands to containers, by service: there `docker inspect` has to show them. */
const HANDED: Record<string, readonly Secret[]> = {
  api: ['apiKey'],
  ui: ['apiKey', 'webuiSecret', 'adminPassword'],
  web: ['databasePassword', 'inlineToken', 'apiKey', 'environmentFile', 'letInPassword', 'commandKey'],
};
/** Of these, what stands on a command line, because the file has it there. */
const ON_THE_COMMAND_LINE: readonly Secret[] = ['commandKey'];

const stage = daemonStage('test-daemon');
let hub: RunningHub;
let registry: Registry;
let daemon: RunningDaemon;

beforeAll(async () => {
  registry = await startRegistry({ user: 'tester', password: PLANTED.registryPassword });
  const image = `${registry.host}/room/tiny:1`;
  await stage.engine.docker(['tag', await tinyImage(stage.engine), image]);
  const pushed = await stage.engine.docker(['push', image], {
    env: { DOCKER_CONFIG: registry.dockerConfig },
  });
  expect(pushed.code, pushed.stderr).toBe(0);
  await stage.engine.docker(['rmi', image]);
  hub = await startHub({
    models: [{ ...(await repositoryFrom(STAGE_MODEL, tinyContents())), gated: 'auto' }],
    tokens: {
      [PLANTED.hubTokenFile]: [STAGE_MODEL],
      [PLANTED.hubTokenCredential]: [STAGE_MODEL],
    },
  });
  hub.faults.add({
    on: 'info',
    action: { kind: 'answer', status: 500, body: `cannot serve ${PLANTED.hubTokenFile}` },
  });
  daemon = await stage.start({
    hubUrl: hub.url,
    composeText: await composeWithWeb(image),
    variables: {
      VLLM_API_KEY: PLANTED.apiKey,
      WEBUI_SECRET_KEY: PLANTED.webuiSecret,
      WEBUI_ADMIN_EMAIL: 'admin@example.org',
      WEBUI_ADMIN_PASSWORD: PLANTED.adminPassword,
      DATABASE_PASSWORD: PLANTED.databasePassword,
    },
    environment: { HF_TOKEN: PLANTED.hubTokenVariable, AI_SANDBOX_LOG_LEVEL: 'debug', ...LET_IN },
    prepare: async (folder) => {
      await writeFile(join(folder, 'hf-token'), `${PLANTED.hubTokenFile}\n`, { mode: 0o600 });
      await writeFile(join(folder, 'web.env'), WEB_ENVIRONMENT_FILE);
      await mkdir(join(folder, '.docker'));
      await writeFile(
        join(folder, '.docker/config.json'),
        await readFile(join(registry.dockerConfig, 'config.json')),
      );
    },
  });
  await daemon.waitFor(
    ({ services: { api, ui, web } }) =>
      api?.ready === true && ui?.ready === true && (web?.last_exit?.log_tail.length ?? 0) > 0,
    'api and ui ready, the log of web on record',
    READY_LIMIT_MS,
  );
}, TEST_LIMIT_MS + 60_000);

afterAll(async () => {
  await hub?.close();
  await registry?.remove();
});

const page = async (path: string, accept: string, of = daemon) => {
  const answer = await fetch(`http://127.0.0.1:${of.port}${path}`, { headers: { accept } });
  return answer.text();
};

/** Everything that a daemon shows and writes by itself. */
const surfaces = async (of: RunningDaemon) => [
  await page('/status', 'application/json', of),
  await page('/status', 'text/plain', of),
  await of.motd(),
  of.journal(),
  await of.logFile('deployment.log'),
  await of.logFile('model-download.log'),
];

describe('planted secrets', { timeout: TEST_LIMIT_MS }, () => {
  it('were used: the hub got its token and nobody else did, the registry its password', async () => {
    const authorised = hub.requests.filter(({ authorization }) => authorization !== null);
    expect(authorised.length).toBeGreaterThan(0);
    expect(new Set(authorised.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${PLANTED.hubTokenFile}`]),
    );
    expect(new Set(authorised.map(({ host }) => host))).toEqual(new Set(['127.0.0.1']));
    expect(hub.requests.some(({ host }) => host === 'localhost')).toBe(true);
    expect((await daemon.status()).services['web']?.container_id).not.toBeNull();
  });

  it('were printed by a container, whose record of exit has the words around them', async () => {
    // The lines are read beside the restart, so that a record of a fresh exit has them a moment later.
    const tailOf = (status: Status) => status.services['web']?.last_exit?.log_tail.join('\n') ?? '';
    const seen = await daemon.waitFor((status) => tailOf(status) !== '', 'the last lines of web', 10_000);
    const tail = tailOf(seen);
    expect(tail).toContain('SOME_PASSWORD=[redacted]');
    expect(tail).toContain('SOME_TOKEN=[redacted]');
    expect(tail).toContain('SMTP_PASS=[redacted]');
    expect(tail).toContain('the key is [redacted]');
    expect(tail).toContain('the password is [redacted]');
    expect(tail).toContain('Authorization: Bearer [redacted]');
    const raw = await stage.engine.docker(['logs', `${daemon.project}-web`]);
    expect(secretsIn(raw.stdout)).toEqual(
      expect.arrayContaining([...(HANDED['web'] ?? []), 'printedShape', 'printedBearer']),
    );
  });

  it.each(['/status', '/readyz', '/livez'])('are not in %s, as JSON or as text', async (path) => {
    expect(secretsIn(await page(path, 'application/json'))).toEqual([]);
    expect(secretsIn(await page(path, 'text/plain'))).toEqual([]);
  });

  it('are not in what the command prints', async () => {
    for (const args of [['status'], ['status', '--json'], ['logs'], ['logs', 'web'], ['config', 'check']]) {
      const { stdout, stderr } = await daemon.cli(args);
      expect(stdout.length, args.join(' ')).toBeGreaterThan(0);
      expect(secretsIn(stdout + stderr), args.join(' ')).toEqual([]);
    }
  });

  it('are not in the journal, even at the level debug', () => {
    expect(daemon.journal()).toContain('web exited with code 1');
    expect(secretsIn(daemon.journal())).toEqual([]);
  });

  it('are not in the login message, the log files and the state', async () => {
    expect(secretsIn(await daemon.motd())).toEqual([]);
    for (const folder of ['logs', 'state']) {
      const names = await readdir(join(daemon.folder, folder));
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const text = await readFile(join(daemon.folder, folder, name), 'utf8');
        expect(secretsIn(text), name).toEqual([]);
      }
    }
  });

  it('are on no command line of this machine, but where the file has one there', async () => {
    const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    for (const pid of processes) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const found = secretsIn(line).filter((secret) => !ON_THE_COMMAND_LINE.includes(secret));
      expect(found, line).toEqual([]);
    }
  });

  it('are in `docker inspect` only where the compose file names them, and the token of the hub nowhere', async () => {
    for (const [service, handed] of Object.entries(HANDED)) {
      const { stdout } = await stage.engine.docker(['inspect', `${daemon.project}-${service}`]);
      expect(stdout).toContain('"Env"');
      expect(new Set(secretsIn(stdout)), service).toEqual(new Set(handed));
      const [found] = JSON.parse(stdout) as [{ Args: unknown; Config: { Env: unknown; Cmd: unknown } }];
      found.Config.Env = null;
      expect(secretsIn(JSON.stringify([found.Args, found.Config.Cmd])), service).toEqual(
        ON_THE_COMMAND_LINE.filter((secret) => handed.includes(secret)),
      );
      found.Config.Cmd = found.Args = null;
      expect(secretsIn(JSON.stringify(found)), service).toEqual([]);
    }
  });

  it('are not repeated when they were written in a wrong place', async () => {
    const environment = await readFile(daemon.environmentPath, 'utf8');
    for (const wrong of [
      `https://user:${PLANTED.urlPassword}@hub.example.org/model`,
      PLANTED.hubTokenFile,
      PLANTED.printedShape,
    ]) {
      await writeFile(daemon.environmentPath, environment.replace(STAGE_MODEL, wrong));
      await daemon.waitFor(
        ({ problems }) => problems.some(({ code }) => code === 'model_id_invalid'),
        `${wrong} is refused`,
        READY_LIMIT_MS,
      );
      const texts = await surfaces(daemon);
      expect(texts.map(secretsIn), wrong).toEqual(texts.map(() => []));
      await writeFile(daemon.environmentPath, environment);
      await daemon.waitFor(
        ({ problems }) => problems.every(({ code }) => code !== 'model_id_invalid'),
        'mended',
        READY_LIMIT_MS,
      );
    }
  });

  it('as a credential of systemd reach the hub and nothing else', async () => {
    const credentials = join(daemon.folder, 'credentials');
    await mkdir(credentials);
    await writeFile(join(credentials, 'hf-token'), PLANTED.hubTokenCredential, { mode: 0o400 });
    await using other = await stage.start({
      hubUrl: hub.url,
      environment: { AI_SANDBOX_LOG_LEVEL: 'debug', CREDENTIALS_DIRECTORY: credentials },
    });
    await other.waitFor(({ model }) => model.download_status === 'completed', 'the model', READY_LIMIT_MS);
    expect(
      hub.requests.some(({ authorization }) => authorization === `Bearer ${PLANTED.hubTokenCredential}`),
    ).toBe(true);
    const texts = await surfaces(other);
    expect(texts.map(secretsIn)).toEqual(texts.map(() => []));
  });

  it('in the address of a proxy are not repeated when it is not there, and when it refuses them', async () => {
    const refused: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      refused.push(request.headers['proxy-authorization'] ?? '');
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
    try {
      const { port } = proxy.address() as AddressInfo;
      for (const at of [await freePort(), port]) {
        await using other = await stage.start({
          hubUrl: 'https://hub.invalid',
          environment: {
            HTTPS_PROXY: `http://user:${PLANTED.proxyPassword}@127.0.0.1:${at}`,
            AI_SANDBOX_LOG_LEVEL: 'debug',
          },
        });
        await other.waitFor(({ model }) => model.problem !== null, 'the hub is not reached', READY_LIMIT_MS);
        const texts = await surfaces(other);
        expect(texts.map(secretsIn), `${at}`).toEqual(texts.map(() => []));
      }
      expect(refused.map(secretsIn)).toContainEqual(['proxyPassword']);
    } finally {
      proxy.close();
    }
  });

  it('are not repeated in the line about a bad setting', async () => {
    await using bad = await stage.start({
      environment: {
        HF_ENDPOINT: `https://user:${PLANTED.urlPassword}@hub.example.org`,
        HF_TOKEN: `two words ${PLANTED.hubTokenVariable}`,
      },
      mayEnd: true,
    });
    expect(await bad.ended).toEqual({ code: 78, signal: null });
    expect(bad.journal()).toContain('HF_ENDPOINT');
    expect(bad.journal()).toContain('HF_TOKEN');
    expect(secretsIn(bad.journal())).toEqual([]);
    const command = await bad.cli(['status']);
    expect(secretsIn(command.stdout + command.stderr)).toEqual([]);
  });
});
