import type { Fields } from './config-fields.ts';

/** Values in the order of {@link KEYS}; null where the class derives the value from the others. */
type Row = readonly [
  layers: number,
  hidden: number,
  heads: number,
  kvHeads: number | null,
  headDim: number | null,
  length: number,
  window?: number,
];

const KEYS = [
  'num_hidden_layers',
  'hidden_size',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'max_position_embeddings',
  'sliding_window',
] as const;

/**
 * What the configuration classes of transformers 5.19 take where a file says nothing. Models with pictures are often
 * saved with only what differs from it: the language part of gemma-3-4b-it names no heads, that of llava-1.5-7b no
 * layers.
 */
const DEFAULTS: Readonly<Record<string, Row>> = {
  aria_text: [32, 4096, 32, null, null, 2048],
  chameleon: [32, 4096, 32, 32, null, 4096],
  cohere: [40, 8192, 64, null, null, 8192],
  cohere2: [40, 8192, 64, null, null, 8192, 4096],
  emu3_text_model: [32, 4096, 32, 8, null, 9216],
  ernie4_5: [18, 1024, 16, 2, 128, 131_072],
  exaone4: [32, 4096, 32, 32, null, 2048, 4096],
  gemma: [28, 3072, 16, 16, 256, 8192],
  gemma2: [26, 2304, 8, 4, 256, 8192, 4096],
  gemma3_text: [26, 2304, 8, 4, 256, 131_072, 4096],
  gemma3n_text: [35, 2048, 8, 2, 256, 32_768, 512],
  glm: [40, 4096, 32, 2, 128, 131_072],
  glm4: [40, 4096, 32, 2, 128, 131_072],
  glm4_moe: [46, 4096, 96, 8, null, 131_072],
  glm4v_moe_text: [46, 4096, 96, 8, null, 65_536],
  glm4v_text: [40, 4096, 32, 2, null, 32_768],
  gpt_oss: [36, 2880, 64, 8, 64, 131_072, 128],
  granite: [32, 4096, 32, null, null, 2048],
  llama: [32, 4096, 32, null, null, 2048],
  llama4_text: [48, 5120, 40, 8, 128, 131_072],
  ministral3: [34, 4096, 32, 8, 128, 262_144],
  mistral: [32, 4096, 32, 8, null, 131_072, 4096],
  mixtral: [32, 4096, 32, 8, null, 131_072],
  mllama_text_model: [40, 4096, 32, 8, null, 131_072],
  olmo2: [32, 4096, 32, null, null, 2048],
  olmo3: [32, 4096, 32, null, null, 2048, 4096],
  opt: [12, 768, 12, null, null, 2048],
  paddleocr_vl_text: [18, 1024, 16, 2, 128, 131_072],
  persimmon: [36, 4096, 64, null, null, 16_384],
  phi: [24, 2048, 32, null, null, 2048],
  phi3: [32, 3072, 32, null, null, 4096],
  qwen2: [32, 4096, 32, 32, null, 32_768],
  qwen2_5_omni_text: [28, 3584, 28, 4, null, 32_768],
  qwen2_5_vl_text: [80, 8192, 64, 8, null, 32_768],
  qwen2_moe: [24, 2048, 16, 16, null, 32_768],
  qwen2_vl_text: [80, 8192, 64, 8, null, 32_768],
  qwen3: [32, 4096, 32, 32, 128, 32_768],
  qwen3_5_moe_text: [40, 2048, 16, 2, 256, 32_768],
  qwen3_5_text: [32, 4096, 16, 4, 256, 32_768],
  qwen3_moe: [24, 2048, 32, 4, null, 32_768],
  qwen3_next: [48, 2048, 16, 2, 256, 32_768],
  qwen3_omni_moe_text: [28, 2048, 28, 4, null, 32_768],
  qwen3_vl_moe_text: [24, 2048, 16, 16, null, 128_000],
  qwen3_vl_text: [32, 4096, 32, 32, 128, 128_000],
  seed_oss: [64, 4096, 80, 8, 128, 524_288],
  smollm3: [36, 2048, 16, 4, null, 32_768],
  stablelm: [32, 2560, 32, 32, null, 4096],
  starcoder2: [30, 3072, 24, 2, null, 4096],
};

/** The old Falcon says everything but its length. */
const LENGTHS: Readonly<Record<string, number>> = { falcon: 2048, falcon_h1: 8192, gpt_bigcode: 1024 };

/** Type of a language part that does not name its own, by the type of the whole model. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  aria: 'aria_text',
  gemma3: 'gemma3_text',
  gemma3n: 'gemma3n_text',
  idefics3: 'llama',
  llama4: 'llama4_text',
  llava: 'llama',
  llava_next: 'llama',
  llava_next_video: 'llama',
  llava_onevision: 'qwen2',
  mistral3: 'mistral',
  mllama: 'mllama_text_model',
  paligemma: 'gemma',
  qwen2_5_vl: 'qwen2_5_vl_text',
  qwen2_vl: 'qwen2_vl_text',
  qwen3_vl: 'qwen3_vl_text',
  qwen3_vl_moe: 'qwen3_vl_moe_text',
  smolvlm: 'llama',
  video_llava: 'llama',
  vipllava: 'llama',
};

/** Type of the language part of a model of several parts, where that part does not say. */
export function textTypeOf(modelType: string | null): string | null {
  return modelType !== null && Object.hasOwn(TEXT_TYPES, modelType) ? (TEXT_TYPES[modelType] ?? null) : null;
}

/** A configuration with what its model type takes for fields that are not in it; a null that is in it stays. */
export function withDefaults(language: Fields, type: string): Fields {
  const row = Object.hasOwn(DEFAULTS, type) ? DEFAULTS[type] : undefined;
  const length = Object.hasOwn(LENGTHS, type) ? LENGTHS[type] : undefined;
  if (row === undefined) {
    return length === undefined || NAMES_OF_LENGTH.some((key) => key in language)
      ? language
      : { max_position_embeddings: length, ...language };
  }
  const filled: Record<string, unknown> = {};
  for (const [at, key] of KEYS.entries()) {
    const value = row[at];
    if (value !== undefined && value !== null) filled[key] = value;
  }
  return { ...filled, ...language };
}

const NAMES_OF_LENGTH = ['max_position_embeddings', 'n_positions', 'seq_length', 'model_max_length'];
