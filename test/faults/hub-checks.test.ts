import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  DEFAULT_ENGINE_OPTIONS,
  type EngineOptions,
  type Surroundings,
} from '../../src/model/surroundings.ts';
import { type Content, repositoryFrom } from '../stand-ins/hub/repository.ts';
import { type FixtureOptions, type HubFixture, hubFixture, MODEL_ID } from '../support/hub-fixture.ts';
import { modelContents, safetensors } from '../support/model-files.ts';

const TOKEN = 'hf_tokentoken';
const MIB = 1024 ** 2;

let fixture: HubFixture | null = null;
afterEach(async () => {
  await fixture?.close();
  fixture = null;
});

async function start(options: FixtureOptions = {}): Promise<HubFixture> {
  fixture = await hubFixture(options);
  return fixture;
}

/** A repository of other files than the usual ones. */
function repository(files: Record<string, string | Buffer>) {
  const contents: Record<string, Content> = {};
  for (const [path, bytes] of Object.entries(files)) contents[path] = { bytes: Buffer.from(bytes) };
  return repositoryFrom(MODEL_ID, contents);
}

/** The usual model with another description of itself. */
function described(config: Record<string, unknown>) {
  return repositoryFrom(MODEL_ID, {
    ...modelContents(),
    'config.json': { bytes: Buffer.from(JSON.stringify(config)) },
  });
}

function around(parts: Partial<Surroundings>, engine: Partial<EngineOptions> = {}): Surroundings {
  return {
    gpus: null,
    ramBytes: null,
    claims: [],
    plans: [],
    ...parts,
    engine: { ...DEFAULT_ENGINE_OPTIONS, ...engine },
  };
}

const gpuOf = (bytes: number) => ({ name: 'Test GPU', memoryBytes: bytes, computeCapability: '8.9' });

async function verdict(one: HubFixture) {
  one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
  return one.until(({ problem, complete }) => problem !== null || complete);
}

/** Not one byte of weights was asked for, and nothing was written. */
async function expectNothingFetched(one: HubFixture): Promise<void> {
  const weights = one.server.requests.filter(
    ({ kind, url, method }) =>
      method === 'GET' && (kind === 'resolve' || kind === 'content') && /safetensors$|repos\//.test(url),
  );
  expect(weights).toEqual([]);
  expect(await readdir(one.directory)).toEqual([]);
}

describe('what is known before the first byte', () => {
  it('asks only addresses that mirrors have too, and for an account only with a token that was refused', async () => {
    const one = await start({ token: TOKEN, hub: { tokens: { [TOKEN]: [] } } });
    expect((await verdict(one)).complete).toBe(true);
    const kinds = new Set(one.server.requests.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['info', 'tree', 'resolve', 'content']));
  });

  it('names the architecture that vLLM does not have', async () => {
    const one = await start({ model: await described({ architectures: ['NoSuchForCausalLM'] }) });
    expect((await verdict(one)).problem).toMatchObject({
      code: 'architecture_unsupported',
      class: 'fatal',
      detail: expect.stringContaining('NoSuchForCausalLM'),
    });
    await expectNothingFetched(one);
  });

  it('names the quantisation that vLLM does not read', async () => {
    const quantised = { architectures: ['LlamaForCausalLM'], quantization_config: { quant_method: 'aqlm' } };
    const one = await start({ model: await described(quantised) });
    expect((await verdict(one)).problem).toMatchObject({ code: 'quantization_unsupported' });
    await expectNothingFetched(one);
  });

  it('names a model that cannot chat', async () => {
    const one = await start({
      model: await repository({
        'config.json': '{"architectures":["LlamaForCausalLM"]}',
        'tokenizer.json': '{}',
        'tokenizer_config.json': '{}',
        'model.safetensors': safetensors('x', 1000),
      }),
    });
    expect((await verdict(one)).problem).toMatchObject({ code: 'chat_template_missing' });
    await expectNothingFetched(one);
  });

  it('names what a repository holds instead of weights, and the model it was made from', async () => {
    const files = await repository({ 'model.Q4_K_M.gguf': 'GGUF', 'README.md': 'x' });
    const one = await start({ model: { ...files, tags: ['base_model:quantized:acme/original'] } });
    expect((await verdict(one)).problem).toMatchObject({
      code: 'model_without_weights',
      detail: expect.stringContaining('GGUF'),
      remedy: expect.stringContaining('acme/original'),
    });
  });

  it('names a model that the hub has disabled', async () => {
    const one = await start({ model: { disabled: true } });
    expect((await verdict(one)).problem).toMatchObject({ code: 'model_disabled', class: 'fatal' });
  });

  it('names the gate with its page, who decides, and an open model that would do', async () => {
    const one = await start({ model: { gated: 'manual' } });
    const { problem } = await verdict(one);
    expect(problem).toMatchObject({ code: 'model_gated' });
    expect(problem?.remedy).toContain(`Ask for access at ${one.server.url}/${MODEL_ID} (its owner decides)`);
    expect(problem?.remedy).toContain('/etc/ai-sandbox/hf-token');
    expect(problem?.remedy).toContain('open model: Qwen/Qwen3-0.6B');
    await expectNothingFetched(one);
  });

  it('names the account whose token may not pass the gate', async () => {
    const one = await start({
      model: { gated: 'auto' },
      token: TOKEN,
      hub: { tokens: { [TOKEN]: [] } },
    });
    const { problem } = await verdict(one);
    expect(problem).toMatchObject({
      code: 'model_gated',
      detail: expect.stringContaining('account stand-in'),
    });
    expect(problem?.remedy).toContain('with the account stand-in');
    expect(one.server.requests.filter(({ kind }) => kind === 'whoami')).toHaveLength(1);
  });

  it('tells a refused token from a model that does not exist, whatever the hub calls it', async () => {
    const one = await start({ token: 'hf_revoked', hub: { tokens: { [TOKEN]: [] } } });
    const answer = { kind: 'answer', status: 404, headers: { 'x-error-code': 'RepoNotFound' } } as const;
    one.server.faults.add({ on: 'info', action: answer });
    const { problem } = await verdict(one);
    expect(problem).toMatchObject({ code: 'token_invalid' });
    expect(JSON.stringify(problem)).not.toContain('hf_revoked');
  });

  it('names a mirror that answers nobody without a token', async () => {
    const one = await start();
    one.server.faults.add({ on: 'info', times: 9, action: { kind: 'answer', status: 401 } });
    expect((await verdict(one)).problem).toMatchObject({ code: 'token_missing' });
    one.server.faults.clear();
    one.setToken(TOKEN);
    one.keeper.tokenChanged();
    await one.until(({ complete }) => complete);
  });

  it('goes on after a mirror that knows no accounts', async () => {
    const one = await start({ model: { private: true }, token: TOKEN, hub: { tokens: { [TOKEN]: [] } } });
    one.server.faults.add({ on: 'whoami', times: 9, action: { kind: 'answer', status: 404 } });
    expect((await verdict(one)).problem).toMatchObject({ code: 'model_not_found' });
  });

  it('pins another revision, and makes it readable under its name', async () => {
    const one = await start();
    const { commit } = one.model;
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory, revision: commit });
    expect(await one.until(({ complete, problem }) => complete || problem !== null)).toMatchObject({
      complete: true,
      revision: commit,
    });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory, revision: 'v9' });
    expect((await one.until(({ problem }) => problem !== null)).problem?.code).toBe('revision_not_found');
    // A commit is found by readers without a ref; `main` may mean another one.
    expect(await readdir(join(one.directory, 'hub/models--acme--tiny/refs'))).toEqual([]);
  });
});

describe('a model against the machine, before the first byte', () => {
  it('shows how it fits', async () => {
    const one = await start({
      model: await described({
        architectures: ['LlamaForCausalLM'],
        torch_dtype: 'bfloat16',
        hidden_size: 256,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        max_position_embeddings: 2048,
      }),
      keeper: { surroundings: () => around({ gpus: [gpuOf(8 * 1024 * MIB)] }) },
    });
    const { complete, memoryFit } = await verdict(one);
    expect(complete).toBe(true);
    expect(memoryFit).toMatchObject({
      kv_cache_bytes_per_token: 2 * 4 * 2 * 64 * 2,
      max_model_len: 2048,
      verdict: 'fits',
    });
    expect(memoryFit?.weights_bytes).toBeGreaterThan(600_000);
  });

  it('is not fetched when the GPU is too small, and is fetched when another one is there', async () => {
    let gpu = gpuOf(100 * MIB);
    const one = await start({ keeper: { surroundings: () => around({ gpus: [gpu] }) } });
    const { problem, downloadStatus, nextRetryAt } = await verdict(one);
    expect(problem).toMatchObject({ code: 'gpu_too_small', class: 'fatal' });
    expect(problem?.detail).toMatch(/have \d+ MB for the engine on Test GPU, need \d+ MB/);
    expect([downloadStatus, nextRetryAt]).toEqual(['failed', null]);
    await expectNothingFetched(one);
    gpu = gpuOf(8 * 1024 * MIB);
    one.keeper.surroundingsChanged();
    await one.until(({ complete }) => complete);
  });

  it('ends a download when it becomes known that the model will not fit', async () => {
    let gpus: Surroundings['gpus'] = null;
    const one = await start({
      hub: { throttle: 50_000 },
      keeper: { surroundings: () => around({ gpus }) },
    });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    await one.until(({ downloadStatus }) => downloadStatus === 'downloading');
    gpus = [gpuOf(100 * MIB)];
    one.keeper.surroundingsChanged();
    const { problem } = await one.until(({ downloadStatus }) => downloadStatus === 'failed');
    expect(problem?.code).toBe('gpu_too_small');
    // What was on its way when the connections were closed may still be counted.
    for (let sent = -1; sent !== one.server.bytesSent(); await sleep(200)) sent = one.server.bytesSent();
    const shards = one.model.files.filter(({ path }) => path.startsWith('model-0'));
    expect(one.server.bytesSent()).toBeLessThan(shards.reduce((sum, { size }) => sum + size, 0));
  });

  it('tells of a driver that is too old while it is fetched all the same', async () => {
    const gpu = { ...gpuOf(8 * 1024 * MIB), driverVersion: '535.1' };
    const one = await start({
      keeper: { surroundings: () => around({ gpus: [gpu] }, { minimumDriver: 580 }) },
    });
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    await one.until(({ complete }) => complete);
    expect(one.told.some(({ problem }) => problem?.code === 'gpu_driver_too_old')).toBe(true);
    expect(one.keeper.snapshot().problem).toBeNull();
  });

  it('counts the images that are still to come to the same disk', async () => {
    let image = 10_000_000;
    const one = await start({
      keeper: {
        freeBytes: async () => 5_000_000,
        reserveBytes: 0,
        get surroundings() {
          return () =>
            around({ claims: [{ directory: one.directory, bytes: image, what: 'the image acme/api' }] });
        },
      },
    });
    const { problem } = await verdict(one);
    expect(problem).toMatchObject({ code: 'disk_too_small', class: 'host' });
    expect(problem?.detail).toContain('of the image acme/api');
    image = 0;
    await one.until(({ complete }) => complete);
  });

  it('tries again on demand what it has refused, and finds the same', async () => {
    const one = await start({ keeper: { surroundings: () => around({ gpus: [gpuOf(100 * MIB)] }) } });
    await verdict(one);
    const asked = one.server.requests.length;
    one.keeper.retry();
    await one.until(({ problem }) => problem !== null && one.server.requests.length > asked);
    expect(one.keeper.snapshot().problem?.code).toBe('gpu_too_small');
  });
});
