import { type AttentionShape, attentionHeads, attentionOf } from './attention-shape.ts';
import { textTypeOf, withDefaults } from './config-defaults.ts';
import { type Fields, isRecord, number, parseObject, positive, string, strings } from './config-fields.ts';

/** What a model says of itself, in `config.json` or Mistral's `params.json`. */
export interface ModelConfig {
  architectures: string[];
  modelType: string | null;
  /** `float32`, `bfloat16`, `float16`, …; null where the file does not say. */
  dtype: string | null;
  /** `quant_method` in lower case; null for a model that is not quantised. */
  quantization: string | null;
  /** Made for Apple's MLX: its quantisation is one that no other program reads. */
  mlx: boolean;
  /** The model's class is Python code in its repository (`auto_map`). */
  ownCode: boolean;
  attentionHeads: number | null;
  /** Null where the file does not tell enough. */
  attention: AttentionShape | null;
  /** Longest context the model was made for; null where the file does not say. */
  maxModelLen: number | null;
}

/** Keys of the longest context, as vLLM 0.32 reads them (`derive_max_model_len_and_key`); the smallest counts. */
const LENGTH_KEYS = [
  'max_position_embeddings',
  'n_positions',
  'max_seq_len',
  'seq_length',
  'model_max_length',
  'max_target_positions',
  'max_sequence_length',
  'max_seq_length',
  'seq_len',
];

/** Where the language model of a model with several parts stands. */
const TEXT_CONFIG_KEYS = ['text_config', 'llm_config', 'language_config', 'thinker_config'];

/** Scalings of the position code that leave `max_position_embeddings` as it is written. */
const ALREADY_SCALED = new Set([
  'default',
  'su',
  'longrope',
  'llama3',
  'yarn',
  'deepseek_yarn',
  'deepseek_llama_scaling',
  'mrope',
]);

/** Reads the text of a `config.json`; null when it is no JSON object. */
export function readModelConfig(text: string): ModelConfig | null {
  const config = parseObject(text);
  if (config === null) return null;
  const modelType = string(config['model_type']);
  const written = languagePart(config);
  const ownType = written === config ? null : textTypeOf(modelType);
  const type = string(written['model_type']) ?? ownType ?? modelType ?? '';
  const language = withDefaults(written, type);
  return {
    architectures: strings(config['architectures']),
    modelType,
    dtype: dtypeOf(config) ?? dtypeOf(language),
    quantization: quantizationOf(config) ?? quantizationOf(language),
    mlx: isRecord(config['quantization']) && !isRecord(config['quantization_config']),
    ownCode: isRecord(config['auto_map']),
    attentionHeads: attentionHeads(language),
    attention: attentionOf(language, type),
    maxModelLen: maxModelLen(config, language),
  };
}

/** Reads the text of Mistral's `params.json` into the same form (vllm/transformers_utils/configs/mistral.py). */
export function readMistralParams(text: string): ModelConfig | null {
  const params = parseObject(text);
  if (params === null) return null;
  const { dim, n_layers, n_heads, n_kv_heads, moe, multimodal, vision_encoder, quantization, yarn, ...rest } =
    params;
  const latent = number(params['qk_nope_head_dim']) !== null;
  const seen = isRecord(multimodal) || isRecord(vision_encoder);
  const language = {
    ...rest,
    hidden_size: dim,
    num_hidden_layers: n_layers,
    num_attention_heads: n_heads,
    num_key_value_heads: n_kv_heads,
    model_type: latent ? 'deepseek_v3' : 'transformer',
    max_position_embeddings:
      number(params['max_position_embeddings']) ?? number(params['max_seq_len']) ?? MISTRAL_DEFAULT_LENGTH,
  };
  const config = readModelConfig(JSON.stringify(language));
  if (config === null) return null;
  const text_ = isRecord(moe)
    ? number(moe['num_shared_experts'])
      ? 'MistralLarge3ForCausalLM'
      : 'MixtralForCausalLM'
    : 'MistralForCausalLM';
  return {
    ...config,
    architectures: [seen ? 'PixtralForConditionalGeneration' : text_],
    quantization: isRecord(quantization) ? mistralQuantization(quantization) : null,
    mlx: false,
    dtype: config.dtype ?? 'bfloat16',
  };
}

/** Length that vLLM takes where params.json names none (`MistralConfigParser`). */
const MISTRAL_DEFAULT_LENGTH = 128_000;

function mistralQuantization(quantization: Fields): string {
  return quantization['qformat_weight'] === 'fp8_e4m3' ? 'fp8' : 'compressed-tensors';
}

function languagePart(config: Fields): Fields {
  let part = config;
  for (;;) {
    const inner = TEXT_CONFIG_KEYS.map((key) => part[key]).find(isRecord);
    if (inner === undefined) return part;
    part = inner;
  }
}

function dtypeOf(config: Fields): string | null {
  const text = string(config['dtype']) ?? string(config['torch_dtype']);
  return text?.replace(/^torch\./, '') ?? null;
}

function quantizationOf(config: Fields): string | null {
  const found = config['quantization_config'] ?? config['compression_config'];
  if (!isRecord(found)) return null;
  const method = string(found['quant_method'])
    ?.toLowerCase()
    .replaceAll('compressed_tensors', 'compressed-tensors');
  if (method !== undefined && method !== '') return method;
  return isRecord(found['quantization']) || isRecord(found['producer']) ? 'modelopt' : 'compressed-tensors';
}

function maxModelLen(config: Fields, language: Fields): number | null {
  const lengths = LENGTH_KEYS.map((key) => positive(language[key])).filter((one) => one !== null);
  if (lengths.length === 0) return null;
  const length = positive(language['model_max_length']) ?? Math.min(...lengths);
  if ((string(config['model_type']) ?? '').includes('gemma3')) return length;
  let stretch = 1;
  for (const scaling of ropeScalings(language['rope_parameters'] ?? language['rope_scaling'])) {
    const kind = string(scaling['rope_type']) ?? string(scaling['type']) ?? 'default';
    if (kind === 'longrope' || kind === 'su') {
      return positive(language['original_max_position_embeddings']) ?? length;
    }
    if (!ALREADY_SCALED.has(kind)) stretch = positive(scaling['factor']) ?? stretch;
  }
  return Math.floor(length * stretch);
}

/** One scaling for all layers, or one for each kind of layer (transformers 5). */
function ropeScalings(found: unknown): Fields[] {
  if (!isRecord(found)) return [];
  const inner = Object.values(found).filter(isRecord);
  return inner.length > 0 ? inner : [found];
}
