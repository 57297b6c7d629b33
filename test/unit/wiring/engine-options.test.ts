import { describe, expect, it } from 'vitest';
import { readEngineOptions, readRevision } from '../../../src/wiring/engine-options.ts';

const GIB = 1024 ** 3;

function read(
  command: string,
  more: { image?: string; environment?: Record<string, string>; gpu?: boolean } = {},
) {
  return readEngineOptions({
    command: command.split(' '),
    environment: more.environment ?? {},
    image: more.image ?? 'vllm/vllm-openai:v0.32.0',
    deviceRequests:
      more.gpu === false
        ? []
        : [{ driver: 'nvidia', count: -1, deviceIds: [], capabilities: ['gpu'], options: {} }],
    runtime: null,
  });
}

describe('the options of the engine', () => {
  it('are those of the shipped file: the longest context that fits, on one GPU', () => {
    expect(read('org/name --served-model-name org/name --max-model-len auto')).toMatchObject({
      version: { major: 0, minor: 32 },
      minimumDriver: 580,
      wantsGpu: true,
      dtype: 'auto',
      tensorParallel: 1,
      maxModelLen: null,
      wholeContext: false,
    });
  });

  it('are read in every spelling that vLLM takes', () => {
    for (const words of [
      'm --tensor-parallel-size 2 --max-model-len 16k --gpu-memory-utilization 0.95',
      'm --tensor_parallel_size=2 --max_model_len=16000 --gpu_memory_utilization=0.95',
      'm -tp 2 --max-model-len 16000 --gpu-memory-utilization=.95',
    ]) {
      expect(read(words)).toMatchObject({ tensorParallel: 2, maxModelLen: 16_000, memoryUtilization: 0.95 });
    }
    expect(read('m --max-model-len 16K').maxModelLen).toBe(16_384);
  });

  it('without a length ask for the whole context of the model', () => {
    expect(read('m')).toMatchObject({ maxModelLen: null, wholeContext: true });
    expect(read('m --max-model-len -1')).toMatchObject({ maxModelLen: null });
  });

  it('tell what makes a model smaller or needs a decision', () => {
    expect(
      read(
        'm --quantization FP8 --kv-cache-dtype fp8 --cpu-offload-gb 4 --trust-remote-code --chat-template /t.jinja',
      ),
    ).toMatchObject({
      quantization: 'fp8',
      kvCacheDtype: 'fp8',
      cpuOffloadBytes: 4 * GIB,
      trustRemoteCode: true,
      chatTemplate: true,
    });
  });

  it('know the driver that an image needs by its tag', () => {
    const driver = (image: string, environment = {}) => read('m', { image, environment }).minimumDriver;
    expect(driver('vllm/vllm-openai:v0.32.0-cu129')).toBe(525);
    expect(driver('vllm/vllm-openai:v0.19.1')).toBe(525);
    expect(driver('registry.local/mirror/vllm/vllm-openai:v0.33.0')).toBe(580);
    expect(driver('acme/own-engine:3')).toBeNull();
    expect(driver('vllm/vllm-openai:v0.32.0', { VLLM_ENABLE_CUDA_COMPATIBILITY: '1' })).toBeNull();
  });

  it('have a cache of their own on the CPU', () => {
    const environment = { VLLM_CPU_KVCACHE_SPACE: '4' };
    expect(read('m', { gpu: false, environment })).toMatchObject({ wantsGpu: false, kvCacheBytes: 4 * GIB });
    expect(read('m', { environment }).kvCacheBytes).toBeNull();
  });

  it('name a revision', () => {
    expect(readRevision({ command: ['m', '--revision', 'v2'] })).toBe('v2');
    expect(readRevision({ command: ['m'] })).toBeNull();
  });
});
