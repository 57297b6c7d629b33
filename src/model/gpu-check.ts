import type { Finding } from '../status/problem.ts';
import type { ModelConfig } from './model-config.ts';
import type { EngineOptions, GpuMemory } from './surroundings.ts';

/** Oldest GPUs that the official images have code for (Turing). */
const OLDEST_CAPABILITY = 7.5;
/** bfloat16 exists from Ampere on. */
const BFLOAT16_CAPABILITY = 8;

/** Model types that vLLM 0.32 refuses in float16, because they compute wrongly (`_FLOAT16_NOT_SUPPORTED_MODELS`). */
const NEEDS_BFLOAT16 = new Set(['gemma2', 'gemma3', 'gemma3_text', 'glm4']);

/** Oldest GPU for each quantisation (`get_min_capability` in vllm/model_executor/layers/quantization of 0.32). */
const QUANTIZATION_CAPABILITY: Readonly<Record<string, number>> = {
  fp_quant: 10,
  modelopt: 8,
  modelopt_mxfp8: 8,
  mxfp4: 8,
  gpt_oss_mxfp4: 8,
  experts_int8: 8,
  fbgemm_fp8: 8,
};

/** Says why a GPU cannot compute a model, whatever memory it has; null when it can or nothing is known. */
export function gpuFault(
  gpu: GpuMemory,
  config: Pick<ModelConfig, 'modelType' | 'quantization'>,
  engine: EngineOptions,
): Finding | null {
  const capability = capabilityOf(gpu);
  if (capability === null) return null;
  const card = `${gpu.name ?? 'the GPU'} (compute capability ${gpu.computeCapability})`;
  if (capability < OLDEST_CAPABILITY) {
    return {
      code: 'gpu_too_old',
      detail: `${card} is older than what the images of vLLM are built for (7.5, Turing)`,
    };
  }
  if (capability < BFLOAT16_CAPABILITY) {
    if (engine.dtype === 'bfloat16') {
      return {
        code: 'gpu_too_old',
        detail: `${card} has no bfloat16, which --dtype bfloat16 asks for; it exists from 8.0 on`,
        remedy: 'Take --dtype bfloat16 out of the command of the api service, or write --dtype half.',
      };
    }
    if (NEEDS_BFLOAT16.has(config.modelType ?? '') && engine.dtype !== 'float32') {
      return {
        code: 'gpu_too_old',
        detail: `${card} has no bfloat16, and ${config.modelType} models compute wrongly in float16`,
        remedy: 'Use a model of another family, or a plan with an Ada or newer GPU.',
      };
    }
  }
  const needed = QUANTIZATION_CAPABILITY[config.quantization ?? ''];
  if (needed !== undefined && capability < needed) {
    return {
      code: 'gpu_too_old',
      detail: `${card} cannot compute ${config.quantization}, which needs ${needed.toFixed(1)} or newer`,
      remedy:
        'Use the model in another quantisation (AWQ and GPTQ run on every supported GPU), or a newer GPU.',
    };
  }
  return null;
}

/** The driver of a GPU against what the image needs; null when it will do or nothing is known. */
export function driverFault(gpu: GpuMemory, engine: EngineOptions): Finding | null {
  const driver = Number.parseInt(gpu.driverVersion ?? '', 10);
  if (engine.minimumDriver === null || !Number.isFinite(driver) || driver >= engine.minimumDriver)
    return null;
  return {
    code: 'gpu_driver_too_old',
    detail: `the image of the api service needs NVIDIA driver ${engine.minimumDriver} or newer; this machine has ${gpu.driverVersion}`,
  };
}

/** `8.9` as a number; null where it is not told. */
function capabilityOf(gpu: Pick<GpuMemory, 'computeCapability'>): number | null {
  const capability = Number.parseFloat(gpu.computeCapability ?? '');
  return Number.isFinite(capability) ? capability : null;
}
