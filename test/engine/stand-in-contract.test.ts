import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openWebuiContract } from '../contract/open-webui.ts';
import { ContractPair } from '../contract/pair.ts';
import { vllmContract } from '../contract/vllm.ts';
import { buildStandIns } from '../images/build-stand-ins.ts';
import { writeTinyModel } from '../stand-ins/tiny-model.ts';
import { READY_LIMIT_MS, STAGE_LIMIT_MS } from '../support/daemon-stage.ts';
import { privateEngine } from '../support/engine.ts';

const MODEL = 'stand-in/tiny';
let pair: ContractPair;
let folder: string;

beforeAll(async () => {
  const engine = await privateEngine('test-stand-ins');
  const images = await buildStandIns({ dockerHost: engine.dockerHost });
  folder = await mkdtemp(join(tmpdir(), 'stand-in-contract-'));
  const modelsDirectory = join(folder, 'models');
  const chatsDirectory = join(folder, 'chats');
  await mkdir(chatsDirectory, { recursive: true });
  await writeTinyModel(join(modelsDirectory, 'hub'), MODEL);
  pair = await ContractPair.create(
    {
      socketPath: engine.socketPath,
      apiImage: images.api,
      uiImage: images.ui,
      modelsDirectory,
      chatsDirectory,
      model: MODEL,
      apiArguments: ['--max-model-len', '2048'],
      apiEnvironment: [],
      uiEnvironment: [],
      startDeadlineMs: READY_LIMIT_MS,
    },
    'stand-in-contract',
  );
}, STAGE_LIMIT_MS);

afterAll(async () => {
  await pair?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

describe('the stand-in for vLLM', () => vllmContract(() => pair, READY_LIMIT_MS));
describe('the stand-in for Open WebUI', () => openWebuiContract(() => pair, READY_LIMIT_MS));
