import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildStandIns } from '../../test/images/build-stand-ins.ts';
import {
  type Repository,
  repositoryFrom,
  repositoryFromFolder,
} from '../../test/stand-ins/hub/repository.ts';
import { tinyModelFiles } from '../../test/stand-ins/tiny-model.ts';
import { type PrivateEngine, startEngine } from '../../test/support/engine-process.ts';
import type { Stage } from './benchmark.ts';

const TOP = join(import.meta.dirname, '../..');
/** Where `scripts/test real` and `scripts/demo` keep the model with random weights. */
const REAL_MODEL_FOLDER = '/var/tmp/ai-sandbox/model-small';

/** What answers chats in a benchmark. */
export interface ChatParts {
  engine: PrivateEngine;
  images: { api: string; ui: string };
  model: Repository;
}

/** The real vLLM on the CPU and the real Open WebUI, in the engine that `scripts/test real` uses; made where they are missing. */
export async function realParts(stage: Stage, id: string): Promise<ChatParts> {
  const engine = await startEngine('engine');
  stage.defer(engine.stop);
  const [api = '', ui = ''] = await linesOf(engine, 'scripts/lib/real-images.sh');
  for (const image of [api, ui]) {
    const { code } = await engine.docker(['image', 'inspect', image]);
    if (code !== 0) await linesOf(engine, 'docker', 'pull', '-q', image);
  }
  await linesOf(engine, 'scripts/lib/make-model', api, REAL_MODEL_FOLDER, 'small');
  return { engine, images: { api, ui }, model: await repositoryFromFolder(id, REAL_MODEL_FOLDER) };
}

/** The stand-ins, which cost nothing but show what they are asked. */
export async function standInParts(stage: Stage, id: string): Promise<ChatParts> {
  const engine = await startEngine('bench');
  stage.defer(engine.stop);
  const images = await buildStandIns({ dockerHost: engine.dockerHost });
  const files = Object.entries(tinyModelFiles()).map(([name, bytes]) => [name, { bytes }]);
  return { engine, images, model: await repositoryFrom(id, Object.fromEntries(files)) };
}

/** Runs a command of this checkout against the engine; its lines. Throws when it fails. */
async function linesOf(engine: PrivateEngine, file: string, ...args: string[]): Promise<string[]> {
  const child = spawn(file, args, {
    cwd: TOP,
    env: { ...process.env, DOCKER_HOST: engine.dockerHost },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return text.trim().split('\n');
}
