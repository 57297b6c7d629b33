import { APIError } from 'openai';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { StatusSchema } from '../../src/status/schema.ts';
import { containerState, mustDocker } from './parts.ts';
import { ask, askStreamed, isReady, MODEL, type RealStage } from './stage.ts';

/** A container with all of Python's machine learning takes its time to import a library. */
const PYTHON_TIMEOUT_MS = 60_000;
/** A look into the database ends by itself after 10 s; it begins when the page is ready. */
const DATABASE_LIMIT_MS = 15_000;
/** Prints where the real client finds the model, without asking any hub. */
const FIND_MODEL = `from huggingface_hub import snapshot_download
print(snapshot_download(${JSON.stringify(MODEL)}, local_files_only=True))`;

/** Registers what must be true when the daemon has brought up everything from nothing. */
export function bringUpTests(stage: RealStage): void {
  describe('from nothing to ready', () => {
    it('every /status on the way has every field of the contract', () => {
      expect(stage.looks.length).toBeGreaterThan(10);
      expect(stage.looks.flatMap(({ status }) => [...Value.Errors(StatusSchema, status)])).toEqual([]);
    });

    it('the model came from the hub over HTTP, whole, before vLLM was started', () => {
      const bytes = stage.repository.files.reduce((sum, file) => sum + file.size, 0);
      const last = stage.looks.at(-1)?.status.model;
      expect(last).toMatchObject({
        model_identifier: MODEL,
        revision: stage.repository.commit,
        download_status: 'completed',
        download: { bytes_done: bytes, bytes_total: bytes, files_done: stage.repository.files.length },
      });
      expect(stage.hub.bytesSent()).toBeGreaterThanOrEqual(bytes);
      const early = stage.looks.filter(({ status }) => status.model.download_status !== 'completed');
      expect(early.map(({ status }) => status.services['api']?.started_at ?? null)).toEqual(
        early.map(() => null),
      );
    });

    it('the real Python client of the hub finds the model in the cache', {
      timeout: PYTHON_TIMEOUT_MS,
    }, async () => {
      const { stdout } = await mustDocker(stage.parts, [
        ...['run', '--rm', '--network', 'none', '--entrypoint', 'python3'],
        ...['-v', `${stage.daemon.folder}/models:/root/.cache/huggingface:ro`],
        ...[stage.parts.images.api, '-c', FIND_MODEL],
      ]);
      const snapshot = `hub/models--acme--tiny-llama-chat/snapshots/${stage.repository.commit}`;
      expect(stdout.trim()).toBe(`/root/.cache/huggingface/${snapshot}`);
    });

    it('nothing is called ready before a chat would be answered', () => {
      for (const [at, { status }] of stage.looks.entries()) {
        if (status.deployment.deployment_status === 'completed') continue;
        // The message of this look was read after its status, so it may be ahead of it.
        expect(stage.looks[at - 1]?.motd ?? '').not.toContain('Deployment Complete');
        expect(status.model.active_status && isReady(status)).toBe(false);
      }
    });

    it('/status tells the truth in every part', { timeout: 2 * DATABASE_LIMIT_MS }, async () => {
      const status = await stage.daemon.waitFor(
        ({ chat, host }) => chat.session_count !== null && host.gpus !== null,
        'chats and GPUs have been looked at',
        DATABASE_LIMIT_MS,
      );
      const service = async (name: 'api' | 'ui') => {
        const { id, startedAt } = await containerState(stage.parts, stage.container(name));
        return {
          service_status: 'running',
          waiting_for: null,
          ready: true,
          image: stage.parts.images[name],
          container_id: id,
          started_at: `${startedAt.slice(0, 19)}Z`,
          restarts: 0,
          next_restart_at: null,
          wanted: true,
          last_exit: null,
          problem: null,
        };
      };
      expect(status).toMatchObject({
        progress: { phase: 'ready', percent: 100, eta_seconds: 0 },
        deployment: {
          deployment_status: 'completed',
          default_model_identifier: MODEL,
          phases: ['image_api', 'image_ui', 'model_download', 'start_ui', 'load_model'].map((name) => ({
            name,
            state: 'done',
            seconds: expect.any(Number),
          })),
          target_met: expect.any(Boolean),
          problem: null,
        },
        model: { configuration_state: 'ready', active_status: true, problem: null },
        services: { api: await service('api'), ui: await service('ui') },
        chat: {
          persistence_state: 'persisted',
          path: `${stage.daemon.folder}/chats`,
          size_bytes: expect.any(Number),
          session_count: 0,
          last_message_at: null,
          problem: null,
        },
        host: { gpus: expect.any(Array), docker: { reachable: true } },
        problems: [],
        links: {
          ui: `http://localhost:${stage.daemon.uiPort}`,
          api: `http://localhost:${stage.daemon.apiPort}`,
        },
      });
    });

    it('the login message and the log files say that it is complete', async () => {
      const motd = await stage.daemon.motd();
      expect(motd).toContain('Deployment Complete');
      expect(motd).not.toContain('ERROR');
      expect(await stage.daemon.logFile('deployment.log')).toContain('deployment: completed');
      const download = (await stage.daemon.logFile('model-download.log')).trimEnd().split('\n');
      for (const line of download) {
        expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] acme\/tiny-llama-chat: \S/);
      }
      expect(download.at(-1)).toContain('completed and verified');
    });
  });

  describe('the API, asked by the official client', () => {
    it('lists the model under its name', async () => {
      const client = await stage.client();
      const { data } = await client.models.list();
      expect(data.map(({ id }) => id)).toEqual([MODEL]);
    });

    it('answers a chat, streamed and whole alike', async () => {
      const whole = await ask(stage);
      const streamed = await askStreamed(stage);
      expect(whole).not.toBe('');
      expect(streamed.text).toBe(whole);
      expect(streamed.pieces).toBeGreaterThan(2);
    });

    it('refuses a wrong key', async () => {
      const client = await stage.client('not-the-key');
      const failure = await client.models.list().then(
        () => null,
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(APIError);
      expect(failure).toMatchObject({ status: 401 });
    });
  });
}
