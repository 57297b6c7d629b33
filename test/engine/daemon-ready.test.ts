import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Value } from 'typebox/value';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Status, StatusSchema } from '../../src/status/schema.ts';
import { ask, events } from '../contract/http.ts';
import { tinyModelFiles } from '../stand-ins/tiny-model.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import {
  chat,
  containerRun,
  daemonStage,
  environmentOf,
  READY_LIMIT_MS,
  STAGE_MODEL,
} from '../support/daemon-stage.ts';
import { safetensors } from '../support/model-files.ts';

/** Weights that take about six seconds, told once a second, at the hub's speed, whatever the number of connections. */
const WEIGHTS_BYTES = 6 * 1024 * 1024;
const HUB_BYTES_PER_SECOND = 1024 * 1024;
/** Chats are counted once a minute. */
const CHATS_LIMIT_MS = 75_000;
const TIMESTAMP = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

const { 'model.safetensors': _weights, ...small } = tinyModelFiles();
const stage = daemonStage('test-daemon', {
  files: Object.fromEntries(
    Object.entries({ ...small, 'model.safetensors': safetensors('w', WEIGHTS_BYTES) }).map(
      ([name, bytes]) => [name, { bytes }],
    ),
  ),
  throttle: HUB_BYTES_PER_SECOND,
});

let daemon: RunningDaemon;
/** What was seen on the way from nothing to ready. */
const seen: { status: Status; motd: string; readyz: number }[] = [];
let status: Status;

beforeAll(async () => {
  daemon = await stage.start();
  const until = performance.now() + READY_LIMIT_MS;
  for (let readyz = 0; readyz !== 200; ) {
    if (performance.now() > until) throw new Error(`never ready:\n${daemon.journal()}`);
    // In this order: what motd says is never behind /status, and /status never behind /readyz.
    readyz = (await daemon.readyz()).status;
    status = await daemon.status();
    seen.push({ status, motd: await daemon.motd(), readyz });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // Looks that a deployment does not wait for: the page's own list of models, the chats, the GPUs.
  status = await daemon.waitFor(
    ({ services, chat: chats, host }) =>
      services['ui']?.backend_ready === true && chats.session_count !== null && host.gpus !== null,
    'everything has been looked at',
    READY_LIMIT_MS,
  );
}, READY_LIMIT_MS + 120_000);

describe('on the way from nothing to ready', () => {
  it('every /status has every field of the contract', () => {
    const wrong = seen.flatMap((look) => [...Value.Errors(StatusSchema, look.status)]);
    expect(wrong).toEqual([]);
  });

  it('the download moves forward only, and is seen moving', () => {
    const done = seen.map((look) => look.status.model.download.bytes_done ?? 0);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    const states = seen.map((look) => look.status.model.download_status);
    expect([...new Set(states)].filter((state) => state !== 'pending')).toEqual(['downloading', 'completed']);
    expect(seen.some((look) => look.status.progress.phase === 'downloading the model')).toBe(true);
  });

  it('the api is not started before its model is complete', () => {
    const early = seen.filter((look) => look.status.model.download_status !== 'completed');
    expect(early.map((look) => look.status.services['api']?.service_status)).not.toContain('starting');
    expect(early.at(-1)?.status.services['api']?.waiting_for).toBe('model');
  });

  it('the login message says that it is in progress, with the phase, and completed only at the end', () => {
    const early = seen.filter((look) => look.status.deployment.deployment_status === 'in_progress');
    expect(early.length).toBeGreaterThan(0);
    for (const { motd } of early.slice(0, -1)) expect(motd.toLowerCase()).toContain('in progress');
    expect(seen.some(({ motd }) => /\d %/.test(motd))).toBe(true);
    expect(seen.at(-1)?.motd).toContain('Deployment Complete');
  });

  it('/readyz is 503 with reasons until the deployment is completed', () => {
    for (const { readyz, status: then } of seen) {
      if (readyz === 200) expect(then.deployment.deployment_status).toBe('completed');
      else expect(readyz).toBe(503);
    }
  });
});

describe('when it is ready', () => {
  it('/status tells the truth in every part', () => {
    const service = (image: string) => ({
      service_status: 'running',
      waiting_for: null,
      ready: true,
      image,
      container_id: expect.stringMatching(/^[0-9a-f]{64}$/),
      started_at: TIMESTAMP,
      restarts: 0,
      next_restart_at: null,
      wanted: true,
      pull: null,
      last_exit: null,
      overrides: {},
      problem: null,
    });
    const modelFiles = Object.keys(small).length + 1;
    expect(status).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      time: TIMESTAMP,
      uptime_seconds: expect.any(Number),
      progress: { phase: 'ready', percent: 100, eta_seconds: 0 },
      deployment: {
        deployment_status: 'completed',
        deployment_timestamp: TIMESTAMP,
        instance_type: null,
        region: null,
        label: hostname(),
        default_model_identifier: STAGE_MODEL,
        phases: ['image_api', 'image_ui', 'model_download', 'start_ui', 'load_model'].map((name) => ({
          name,
          state: 'done',
          started_at: TIMESTAMP,
          finished_at: TIMESTAMP,
          after_seconds: expect.any(Number),
          seconds: expect.any(Number),
        })),
        target_seconds: 300,
        target_met: true,
        expected_seconds: expect.any(Number),
        problem: null,
      },
      model: {
        model_identifier: STAGE_MODEL,
        pinned: false,
        revision: expect.stringMatching(/^[0-9a-f]{40}$/),
        download_status: 'completed',
        configuration_state: 'ready',
        active_status: true,
        download: {
          bytes_done: expect.any(Number),
          bytes_total: status.model.download.bytes_done,
          bytes_per_second: null,
          eta_seconds: null,
          files_done: modelFiles,
          files_total: modelFiles,
        },
        load: { phase: null, percent: null },
        memory_fit: {
          weights_bytes: expect.any(Number),
          kv_cache_bytes_per_token: null,
          max_model_len: null,
          verdict: null,
        },
        problem: null,
      },
      services: {
        api: service(stage.images.api),
        ui: { ...service(stage.images.ui), backend_ready: true },
      },
      chat: {
        persistence_state: 'persisted',
        path: `${daemon.folder}/chats`,
        size_bytes: status.chat.size_bytes,
        session_count: 0,
        last_message_at: null,
        problem: null,
      },
      host: {
        gpus: [],
        disks: [
          {
            path: `${daemon.folder}/state`,
            bytes_total: expect.any(Number),
            bytes_free: expect.any(Number),
          },
        ],
        docker: {
          version: expect.any(String),
          api_version: expect.stringMatching(/^1\.\d\d$/),
          reachable: true,
        },
      },
      problems: [],
      links: { ui: `http://localhost:${daemon.uiPort}`, api: `http://localhost:${daemon.apiPort}` },
    });
  });

  it('container, start time and restart policy are those that the engine shows', async () => {
    for (const name of ['api', 'ui']) {
      const run = await containerRun(stage, daemon, name);
      expect(status.services[name]?.container_id).toBe(run.id);
      expect(status.services[name]?.started_at).toBe(`${run.startedAt.slice(0, 19)}Z`);
      const policy = await stage.engine.docker([
        'inspect',
        '-f',
        '{{.HostConfig.RestartPolicy.Name}}',
        run.id,
      ]);
      expect(policy.stdout.trim()).toBe('no');
    }
  });

  it('the login message has addresses, commands, a date and the note on security', async () => {
    const motd = await daemon.motd();
    expect(motd).toContain('Deployment Complete');
    expect(motd).toContain(`http://localhost:${daemon.uiPort}`);
    expect(motd).toContain(`http://localhost:${daemon.apiPort}/v1`);
    expect(motd).toContain('ai-sandbox status');
    expect(motd).toContain('Security');
    expect(motd).toMatch(/As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
    expect(motd).not.toContain('ERROR');
  });

  it('deployment.log tells the way in dated lines', async () => {
    const lines = (await daemon.logFile('deployment.log')).trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \S/);
    const text = lines.join('\n');
    expect(text).toMatch(
      /deployment: in_progress[\s\S]*phase model_download: done[\s\S]*deployment: completed/,
    );
    expect(text).toContain('api: running, ready');
    expect(text).toContain('chats: persisted');
  });

  it('model-download.log tells the progress and the end', async () => {
    const lines = (await daemon.logFile('model-download.log')).trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] acme\/tiny: /);
    expect(lines.filter((line) => /\d+ %/.test(line)).length).toBeGreaterThan(2);
    expect(lines.at(-1)).toContain('completed and verified');
  });

  it('the secrets were generated, and only root may read them', async () => {
    const values = await environmentOf(daemon);
    for (const name of ['VLLM_API_KEY', 'WEBUI_SECRET_KEY', 'WEBUI_ADMIN_PASSWORD']) {
      expect(values[name]?.length, name).toBeGreaterThanOrEqual(16);
    }
    expect((await stat(daemon.environmentPath)).mode & 0o777).toBe(0o600);
  });

  it('a streamed chat goes through the published API, with the key only', async () => {
    const answer = await chat(daemon, { stream: true });
    expect(answer.status).toBe(200);
    expect(events(answer.text).length).toBeGreaterThan(1);
    const refused = await ask(`http://127.0.0.1:${daemon.apiPort}/v1/models`);
    expect(refused.status).toBe(401);
  });

  it(
    'a chat goes through the page after signing in, and is counted',
    async () => {
      const page = `http://127.0.0.1:${daemon.uiPort}`;
      const { WEBUI_ADMIN_EMAIL: email, WEBUI_ADMIN_PASSWORD: password } = await environmentOf(daemon);
      const signedIn = await ask(`${page}/api/v1/auths/signin`, { body: { email, password } });
      const { token } = signedIn.json as { token: string };
      const question = { role: 'user', content: 'Hello' };
      const answer = await ask(`${page}/api/chat/completions`, {
        token,
        body: { model: STAGE_MODEL, messages: [question], max_tokens: 4, stream: true },
      });
      expect(events(answer.text).length).toBeGreaterThan(1);
      const message = { id: 'm1', ...question, parentId: null, childrenIds: [], timestamp: 1 };
      const made = await ask(`${page}/api/v1/chats/new`, {
        token,
        body: {
          chat: {
            title: 'Hello',
            models: [STAGE_MODEL],
            messages: [message],
            history: { currentId: 'm1', messages: { m1: message } },
          },
        },
      });
      expect(made.status).toBe(200);
      const counted = await daemon.waitFor(
        ({ chat: view }) => view.session_count === 1,
        'the chat is counted',
        CHATS_LIMIT_MS,
      );
      expect(counted.chat).toMatchObject({
        persistence_state: 'persisted',
        size_bytes: expect.any(Number),
        last_message_at: TIMESTAMP,
      });
      expect(JSON.stringify(counted)).not.toContain('Hello');
    },
    CHATS_LIMIT_MS + 30_000,
  );

  it('the command shows the same as /status, and the text for a terminal', async () => {
    const json = await daemon.cli(['status', '--json']);
    expect(json.code).toBe(0);
    expect([...Value.Errors(StatusSchema, JSON.parse(json.stdout))]).toEqual([]);
    const text = await daemon.cli(['status']);
    expect(text.stdout).toContain('No problems.');
    const plain = await fetch(`http://127.0.0.1:${daemon.port}/status`, {
      headers: { accept: 'text/plain' },
    });
    expect(await plain.text()).toContain('Deployment  completed');
  });

  it('the command shows the log of a service', async () => {
    const logs = await daemon.cli(['logs', 'api', '--tail', '500']);
    expect(logs).toMatchObject({ code: 0, stdout: expect.stringContaining('Application startup complete.') });
  });
});
