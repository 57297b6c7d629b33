import { findFlag } from '../compose/flags.ts';
import { flagValue } from '../compose/served-model.ts';
import type { ServiceSpec } from '../compose/service-spec.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '../model/surroundings.ts';
import { needsGpu } from './gpu-gate.ts';

const GIB = 1024 ** 3;

/** Oldest driver for CUDA 13 (the plain tags of vLLM from 0.20 on) and for CUDA 12. */
const MINIMUM_DRIVER = { cuda13: 580, cuda12: 525 } as const;

/** First version whose plain tag is built for CUDA 13. */
const FIRST_CUDA_13_MINOR = 20;

/** Multipliers of numbers like `16k` and `1M`: decimal in lower case, binary in upper case, as vLLM reads them. */
const MULTIPLIERS: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
};

/** What the command and the image of the `api` service mean for the memory that a model needs. */
export function readEngineOptions(
  api: Pick<ServiceSpec, 'command' | 'environment' | 'image' | 'deviceRequests' | 'runtime'>,
): EngineOptions {
  const command = api.command ?? [];
  const text = (flag: string) => flagValue(command, flag);
  const count = (flag: string) => wholeNumber(text(flag));
  const length = text('--max-model-len');
  const cpuCacheGib = Number(api.environment['VLLM_CPU_KVCACHE_SPACE'] ?? '');
  const utilization = Number(text('--gpu-memory-utilization') ?? '');
  const wantsGpu = needsGpu(api);
  return {
    ...imageFacts(api.image, api.environment),
    wantsGpu,
    dtype: text('--dtype')?.toLowerCase() ?? DEFAULT_ENGINE_OPTIONS.dtype,
    quantization: text('--quantization')?.toLowerCase() ?? null,
    kvCacheDtype: text('--kv-cache-dtype')?.toLowerCase() ?? DEFAULT_ENGINE_OPTIONS.kvCacheDtype,
    tensorParallel: count('--tensor-parallel-size') ?? 1,
    pipelineParallel: count('--pipeline-parallel-size') ?? 1,
    memoryUtilization: utilization > 0 && utilization <= 1 ? utilization : null,
    maxModelLen: wholeNumber(length),
    wholeContext: length === null,
    maxBatchedTokens: count('--max-num-batched-tokens'),
    cpuOffloadBytes: Math.max(0, Number(text('--cpu-offload-gb') ?? '') || 0) * GIB,
    kvCacheBytes:
      count('--kv-cache-memory-bytes') ?? (!wantsGpu && cpuCacheGib > 0 ? cpuCacheGib * GIB : null),
    trustRemoteCode: findFlag(command, '--trust-remote-code') !== null,
    chatTemplate: text('--chat-template') !== null,
  };
}

/** The revision that the command asks for; null for the default branch. */
export function readRevision(api: Pick<ServiceSpec, 'command'>): string | null {
  return flagValue(api.command ?? [], '--revision');
}

function wholeNumber(text: string | null): number | null {
  const match = text === null ? null : /^(\d+(?:\.\d+)?)([kmgKMG]?)$/.exec(text);
  if (match === null) return null;
  const value = Math.floor(Number(match[1]) * (MULTIPLIERS[match[2] ?? ''] ?? 1));
  return value > 0 ? value : null;
}

function imageFacts(
  image: string,
  environment: Readonly<Record<string, string>>,
): Pick<EngineOptions, 'version' | 'minimumDriver'> {
  const match = /(?:^|\/)vllm-openai(?:-cpu)?:v(\d+)\.(\d+)\.\d+([\w.-]*)/.exec(image);
  if (match === null) return { version: null, minimumDriver: null };
  const version = { major: Number(match[1]), minor: Number(match[2]) };
  // With this setting the image brings libraries that work with an older driver of a data-centre GPU.
  const compatible = environment['VLLM_ENABLE_CUDA_COMPATIBILITY'] === '1';
  const suffix = match[3] ?? '';
  const cuda13 = /cu13/.test(suffix) || (!/cu12/.test(suffix) && version.minor >= FIRST_CUDA_13_MINOR);
  return {
    version,
    minimumDriver: compatible ? null : cuda13 ? MINIMUM_DRIVER.cuda13 : MINIMUM_DRIVER.cuda12,
  };
}
