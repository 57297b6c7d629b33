import OpenAI from 'openai';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Status } from '../../src/status/schema.ts';
import { type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { type Repository, repositoryFromFolder } from '../stand-ins/hub/repository.ts';
import { type RunningDaemon, startDaemon } from '../support/daemon.ts';
import { environmentOf } from '../support/daemon-stage.ts';
import { type RealParts, realParts } from './parts.ts';

export const MODEL = 'acme/tiny-llama-chat';
/**
 * The daemon itself ends a start that has stood still for 10 minutes (AI_SANDBOX_SILENCE_LIMIT_SECONDS); a start of the
 * real ones that takes as long in all has failed, whatever the machine is doing beside it.
 */
export const START_LIMIT_MS = 600_000;
/** Any single failure is over within two minutes and the engine's own time to load. */
const RECOVERY_LIMIT_MS = 120_000;
const END_LIMIT_MS = 120_000;
const LOOK_INTERVAL_MS = 250;

/** What was seen at one moment of the way from nothing to ready. */
interface Look {
  /** On the clock of `performance.now()`. */
  atMs: number;
  status: Status;
  motd: string;
}

/** What a stage may have instead of the shipped file, the prepared images and the one small model. */
export interface StageOptions {
  engine?: RealParts['engine'];
  images?: RealParts['images'];
  /** The models of the hub; the first is the one that is served. */
  models?: readonly [Repository, ...Repository[]];
  composeText?: string;
  /** Lines of `.env`, beside the usual ones. */
  variables?: Record<string, string>;
}

/** A daemon that keeps the real vLLM and the real Open WebUI alive, with a hub that has the model. */
export interface RealStage {
  readonly parts: RealParts;
  readonly daemon: RunningDaemon;
  readonly hub: RunningHub;
  readonly repository: Repository;
  /** From the start of the daemon to the first `/readyz` 200. */
  readonly looks: Look[];
  /** Name of the container of a service. */
  container(service: 'api' | 'ui'): string;
  /** A client of the published API. */
  client(apiKey?: string): Promise<OpenAI>;
  /** Waits until everything is ready again and `fits`, as long as a recovery may take. */
  recovered(what: string, fits: (status: Status) => boolean): Promise<Status>;
  /** Notes how long something took; told after the last test. */
  note(what: string, sinceMs: number): void;
}

/** Registers the bring-up for all tests of a file. `prepare` is asked when it begins. */
export function realStage(prepare: () => Promise<StageOptions> = async () => ({})): RealStage {
  let parts = realParts();
  const looks: Look[] = [];
  const notes: string[] = [];
  let daemon: RunningDaemon;
  let hub: RunningHub;
  let repository: Repository;
  let recoveryLimitMs = RECOVERY_LIMIT_MS;

  const stage: RealStage = {
    get parts() {
      return parts;
    },
    looks,
    get daemon() {
      return daemon;
    },
    get hub() {
      return hub;
    },
    get repository() {
      return repository;
    },
    container: (service) => `${daemon.project}-${service}`,
    async client(apiKey) {
      const { VLLM_API_KEY: key = '' } = await environmentOf(daemon);
      return new OpenAI({
        baseURL: `http://127.0.0.1:${daemon.apiPort}/v1`,
        apiKey: apiKey ?? key,
        maxRetries: 0,
      });
    },
    recovered: (what, fits) =>
      daemon.waitFor((status) => fits(status) && isReady(status), what, recoveryLimitMs),
    note(what, sinceMs) {
      notes.push(`${((performance.now() - sinceMs) / 1000).toFixed(1).padStart(7)} s  ${what}`);
    },
  };

  beforeAll(async () => {
    const options = await prepare();
    const { engine = parts.engine, images = parts.images } = options;
    parts = { ...parts, engine, images };
    const models = options.models ?? ([await repositoryFromFolder(MODEL, parts.modelFolder)] as const);
    [repository] = models;
    hub = await startHub({ models: [...models] });
    const began = performance.now();
    daemon = await startDaemon({
      engine: parts.engine,
      hubUrl: hub.url,
      ...(options.composeText === undefined ? {} : { composeText: options.composeText }),
      variables: {
        MODEL_ID: repository.id,
        API_IMAGE: parts.images.api,
        UI_IMAGE: parts.images.ui,
        API_SHM_SIZE: '1gb',
        CPU_KV_CACHE_GIB: '1',
        UI_OFFLINE_MODE: 'true',
        ...options.variables,
      },
    });
    for (let readyz = 0; readyz !== 200; ) {
      if (performance.now() - began > START_LIMIT_MS) throw new Error(`never ready:\n${daemon.journal()}`);
      // In this order: what motd says is never behind /status, and /status never behind /readyz.
      readyz = (await daemon.readyz()).status;
      const status = await daemon.status();
      looks.push({ atMs: performance.now(), status, motd: await daemon.motd() });
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
    stage.note('from nothing to ready', began);
    const load = (looks.at(-1)?.status.deployment.phases ?? []).find(({ name }) => name === 'load_model');
    recoveryLimitMs += (load?.seconds ?? 0) * 1000;
  }, START_LIMIT_MS + END_LIMIT_MS);

  afterAll(async () => {
    console.info(notes.join('\n'));
    await daemon?.cleanup();
    await hub?.close();
  }, END_LIMIT_MS);

  return stage;
}

/** Whether a chat request would be answered now, by the api and by the page. */
export function isReady(status: Status): boolean {
  return status.model.active_status && Object.values(status.services).every(({ ready }) => ready);
}

/** A short chat with a known length: random weights end where they like. */
const QUESTION = {
  messages: [{ role: 'user' as const, content: 'Say something.' }],
  max_tokens: 8,
  temperature: 0,
  // An option of vLLM that the client passes on.
  ignore_eos: true,
};

/** Asks the served model; its answer of 8 tokens. */
export async function ask(stage: RealStage, model: string = MODEL): Promise<string> {
  const client = await stage.client();
  const answer = await client.chat.completions.create({ model, ...QUESTION });
  expect(answer.usage?.completion_tokens).toBe(QUESTION.max_tokens);
  return answer.choices[0]?.message.content ?? '';
}

/** The same, streamed. */
export async function askStreamed(stage: RealStage): Promise<{ text: string; pieces: number }> {
  const client = await stage.client();
  const stream = await client.chat.completions.create({ model: MODEL, ...QUESTION, stream: true });
  const pieces: string[] = [];
  for await (const { choices } of stream) pieces.push(choices[0]?.delta.content ?? '');
  return { text: pieces.join(''), pieces: pieces.length };
}
