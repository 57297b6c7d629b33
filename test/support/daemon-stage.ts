import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll } from 'vitest';
import { parseEnvironmentFile } from '../../src/compose/environment-file.ts';
import { ask } from '../contract/http.ts';
import { buildStandIns } from '../images/build-stand-ins.ts';
import { type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { type Content, repositoryFrom } from '../stand-ins/hub/repository.ts';
import { tinyModelFiles } from '../stand-ins/tiny-model.ts';
import { type DaemonOptions, type RunningDaemon, startDaemon } from './daemon.ts';
import { type PrivateEngine, privateEngine } from './engine.ts';

/** The model that the stage's hub has. */
export const STAGE_MODEL = 'acme/tiny';
/** From nothing to ready: the stand-ins load for about three seconds, a machine under load needs more. */
export const READY_LIMIT_MS = 60_000;
/** Making the images and starting an engine, on a machine with nothing cached. */
export const STAGE_LIMIT_MS = 180_000;
const END_LIMIT_MS = 120_000;

/** A private engine with the stand-in images, and a hub with a model; all daemons started on it are cleaned up. */
export interface DaemonStage {
  readonly engine: PrivateEngine;
  readonly hub: RunningHub;
  readonly images: { api: string; ui: string };
  /** Starts a daemon on the stand-ins; see startDaemon. */
  start(options?: Partial<DaemonOptions>): Promise<RunningDaemon>;
  /** Starts one and waits until everything is ready. */
  startReady(options?: Partial<DaemonOptions>): Promise<RunningDaemon>;
}

/** Registers the stage for all tests of a file. */
export function daemonStage(
  name: string,
  options: { dockerdArguments?: string[]; files?: Record<string, Content>; throttle?: number } = {},
): DaemonStage {
  let engine: PrivateEngine;
  let hub: RunningHub;
  let images: DaemonStage['images'];
  const daemons: RunningDaemon[] = [];

  beforeAll(async () => {
    engine = await privateEngine(name, options.dockerdArguments ?? []);
    images = await buildStandIns({ dockerHost: engine.dockerHost });
    const files = options.files ?? tinyContents();
    hub = await startHub({
      models: [await repositoryFrom(STAGE_MODEL, files)],
      ...(options.throttle === undefined ? {} : { throttle: options.throttle }),
    });
  }, STAGE_LIMIT_MS);

  afterAll(async () => {
    await Promise.all(daemons.map((daemon) => daemon.cleanup()));
    await hub?.close();
  }, END_LIMIT_MS);

  const stage: DaemonStage = {
    get engine() {
      return engine;
    },
    get hub() {
      return hub;
    },
    get images() {
      return images;
    },
    async start(more = {}) {
      const daemon = await startDaemon({
        engine,
        hubUrl: hub.url,
        ...more,
        variables: { MODEL_ID: STAGE_MODEL, API_IMAGE: images.api, UI_IMAGE: images.ui, ...more.variables },
      });
      daemons.push(daemon);
      return daemon;
    },
    async startReady(more) {
      const daemon = await stage.start(more);
      await untilReady(daemon);
      return daemon;
    },
  };
  return stage;
}

/** The files of a model that the stand-in can serve, for a hub. */
export function tinyContents(): Record<string, Content> {
  return Object.fromEntries(Object.entries(tinyModelFiles()).map(([name, bytes]) => [name, { bytes }]));
}

/** Waits until every service is ready and the deployment completed. */
export async function untilReady(daemon: RunningDaemon, limitMs: number = READY_LIMIT_MS): Promise<void> {
  await daemon.waitFor(
    (status) =>
      status.deployment.deployment_status === 'completed' &&
      Object.values(status.services).every((view) => view.ready),
    'everything ready',
    limitMs,
  );
}

/** The values of the daemon's `.env`, generated secrets included. */
export async function environmentOf(daemon: RunningDaemon): Promise<Record<string, string>> {
  const text = await readFile(daemon.environmentPath, { encoding: 'utf8' });
  return parseEnvironmentFile(text, daemon.environmentPath).values;
}

/** One chat through the published port of the api, as a user's program makes it. */
export async function chat(daemon: RunningDaemon, more: Record<string, unknown> = {}) {
  const { VLLM_API_KEY: token = '' } = await environmentOf(daemon);
  return ask(`http://127.0.0.1:${daemon.apiPort}/v1/chat/completions`, {
    token,
    body: { model: STAGE_MODEL, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4, ...more },
  });
}

/** What `docker inspect` tells of the run of a service's container. */
export async function containerRun(stage: DaemonStage, daemon: RunningDaemon, service: string) {
  const format = '{{.Id}} {{.State.StartedAt}} {{.State.Status}} {{.State.Pid}}';
  const found = await stage.engine.docker(['inspect', '-f', format, `${daemon.project}-${service}`]);
  const [id = '', startedAt = '', state = '', pid = ''] = found.stdout.trim().split(' ');
  return { id, startedAt, state, pid: Number(pid) };
}
