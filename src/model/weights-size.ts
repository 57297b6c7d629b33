import { computeBytes } from './memory-fit.ts';
import type { ModelConfig } from './model-config.ts';
import type { EngineOptions } from './surroundings.ts';

/** Numbers of a model by their type, as the hub counts them in safetensors files (`BF16`, `F32`, `I32`, …). */
export type ParameterCounts = Readonly<Record<string, number>>;

/** Bytes of one number of a safetensors type. Unknown types count as one byte. */
const TYPE_BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F4: 0.5,
};

/** Types that are converted to the one the engine computes in. */
const CONVERTED = new Set(['F64', 'F32', 'F16', 'BF16']);

/** The hub's count may differ from the files by headers and shared tensors; beyond this it counts something else. */
const COUNT_TOLERANCE = 0.02;

/** Share of its size that a 16-bit model keeps when vLLM quantises it while loading (`--quantization`). */
const ONLINE_QUANTIZATION: readonly (readonly [RegExp, number])[] = [
  [/^(fp8|mxfp8|int8|experts_int8)/, 0.55],
  [/^(nvfp4|mxfp4|bitsandbytes)/, 0.35],
];

/** What {@link loadedBytes} computes from. */
export interface WeightsFacts {
  /** Bytes of the files of the one weight set. */
  fileBytes: number;
  /** Null where the hub does not count. */
  parameters: ParameterCounts | null;
  config: Pick<ModelConfig, 'dtype' | 'quantization'>;
}

/**
 * Bytes that the weights take once they are loaded: as the files for a quantised model, otherwise every floating-point
 * number in the type the engine computes in, so that a float32 model takes half of its files.
 */
export function loadedBytes(
  { fileBytes, parameters, config }: WeightsFacts,
  engine: Pick<EngineOptions, 'dtype' | 'quantization'>,
): number {
  if (config.quantization !== null) return fileBytes;
  const perNumber = computeBytes(engine);
  const plain = plainBytes(fileBytes, parameters, config.dtype, perNumber);
  const online = engine.quantization;
  const kept = online === null ? undefined : ONLINE_QUANTIZATION.find(([name]) => name.test(online));
  return Math.round(plain * (kept?.[1] ?? 1));
}

function plainBytes(
  fileBytes: number,
  parameters: ParameterCounts | null,
  dtype: string | null,
  perNumber: number,
): number {
  if (parameters !== null) {
    const counted = sum(parameters, (type) => TYPE_BYTES[type] ?? 1);
    if (Math.abs(counted - fileBytes) <= fileBytes * COUNT_TOLERANCE) {
      return sum(parameters, (type) => (CONVERTED.has(type) ? perNumber : (TYPE_BYTES[type] ?? 1)));
    }
  }
  const stored = dtype === 'float32' ? 4 : dtype === 'bfloat16' || dtype === 'float16' ? 2 : null;
  return stored === null ? fileBytes : (fileBytes / stored) * perNumber;
}

function sum(parameters: ParameterCounts, bytesOf: (type: string) => number): number {
  return Object.entries(parameters).reduce((total, [type, count]) => total + count * bytesOf(type), 0);
}
