import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, vi } from 'vitest';
import { REQUEST_DEADLINE_MS } from '../contract/http.ts';
import { ContractPair } from '../contract/pair.ts';
import { startHub } from '../stand-ins/hub/hub.ts';
import { repositoryFromFolder } from '../stand-ins/hub/repository.ts';
import { realParts } from './parts.ts';

const MODEL = 'acme/contract-llama';
/** Alone on two cores vLLM needs 20 to 40 s without compilation; beside other work several times as long. */
export const START_DEADLINE_MS = 300_000;
const DOWNLOADER = fileURLToPath(new URL('../support/download-model.ts', import.meta.url));

/** Registers a pair of the real containers, not started, for all tests of a file; returns how to get at it. */
export function realPair(name: string): () => ContractPair {
  const parts = realParts();
  let pair: ContractPair;
  let folder: string;
  // A test of the real ones may take as long as two of its requests.
  vi.setConfig({ testTimeout: 2 * REQUEST_DEADLINE_MS });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'real-contract-'));
    const modelsDirectory = join(folder, 'models');
    const chatsDirectory = join(folder, 'chats');
    await mkdir(chatsDirectory);
    const hub = await startHub({ models: [await repositoryFromFolder(MODEL, parts.modelFolder)] });
    try {
      await promisify(execFile)(process.execPath, [DOWNLOADER, hub.url, MODEL, modelsDirectory]);
    } finally {
      await hub.close();
    }
    pair = await ContractPair.create(
      {
        socketPath: parts.engine.socketPath,
        apiImage: parts.images.api,
        uiImage: parts.images.ui,
        modelsDirectory,
        chatsDirectory,
        model: MODEL,
        apiArguments: ['--host', '0.0.0.0', '--max-model-len', 'auto', '--enforce-eager'],
        apiEnvironment: ['VLLM_CPU_KVCACHE_SPACE=1'],
        uiEnvironment: [],
        startDeadlineMs: START_DEADLINE_MS,
      },
      name,
    );
  });

  afterAll(async () => {
    await pair?.remove();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  return () => pair;
}
