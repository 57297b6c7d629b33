import { type Fields, isRecord, number, positive, string } from './config-fields.ts';

/** How the attention of a model keeps what it has read, as far as its memory depends on it. */
export type AttentionShape =
  /** Keys and values per head (GQA, MQA, MHA). */
  | {
      kind: 'heads';
      /** Layers that keep every token. */
      fullLayers: number;
      /** Layers that keep only the last tokens. */
      windowLayers: number;
      /** How many tokens those keep; null without such layers. */
      windowTokens: number | null;
      kvHeads: number;
      headDim: number;
      /** Of the full layers, where they differ from the others (Gemma 4); else the same. */
      fullKvHeads: number;
      fullHeadDim: number;
    }
  /** One compressed vector per token and layer (MLA of DeepSeek); every GPU keeps all of it. */
  | { kind: 'latent'; layers: number; width: number };

/** Model types whose attention is MLA in vLLM 0.32 when `kv_lora_rank` is there (`is_deepseek_mla`). */
const LATENT_MODEL_TYPE =
  /^(axk1|deepseek_v2|deepseek_v3|deepseek_v32|deepseek_mtp|dots3_note|glm5_next(_text)?|glm_moe_dsa|glm4_moe_lite|kimi_k2|kimi_linear|longcat_flash|pangu_ultra_moe|bailing_hybrid|hy_v4)$/;

/** Every how manieth layer is a full one, where a file of these model types does not say (transformers' defaults). */
const DEFAULT_WINDOW_PATTERN: Readonly<Record<string, number>> = {
  gemma2: 2,
  gemma3_text: 6,
  gemma3: 6,
  cohere2: 4,
};

/** Ten times more than any model has; a larger number is no number of layers. */
const MAXIMUM_LAYERS = 2_000;

/** Heads of the queries; the number of GPUs that share a model must divide it. */
export function attentionHeads(language: Fields): number | null {
  return number(language['num_attention_heads']) ?? number(language['n_head']) ?? number(language['n_heads']);
}

/** Reads the shape out of the language part of a configuration; null where it does not tell enough. */
export function attentionOf(language: Fields, outerType: string | null): AttentionShape | null {
  const layers =
    number(language['num_hidden_layers']) ??
    number(language['n_layer']) ??
    number(language['n_layers']) ??
    number(language['num_layers']);
  const type = string(language['model_type']) ?? outerType ?? '';
  const heads = attentionHeads(language);
  // A hub's file is hostile until read: each layer is looked at, and a number of them costs memory.
  if (layers === null || layers > MAXIMUM_LAYERS) return null;
  const latentRank = number(language['kv_lora_rank']);
  if (latentRank !== null && LATENT_MODEL_TYPE.test(type)) {
    const kept = layerKinds(language, layers, type).filter((kind) => kind !== 'none').length;
    return { kind: 'latent', layers: kept, width: latentRank + (number(language['qk_rope_head_dim']) ?? 0) };
  }
  const hidden = number(language['hidden_size']) ?? number(language['n_embd']) ?? number(language['d_model']);
  const headDim =
    positive(language['head_dim']) ??
    positive(language['hidden_size_per_head']) ??
    positive(language['attention_head_dim']) ??
    (hidden !== null && heads !== null && heads > 0 ? Math.floor(hidden / heads) : null);
  const kvHeads = kvHeadsOf(language, heads);
  if (headDim === null || kvHeads === null) return null;
  const window = windowOf(language);
  const kinds = layerKinds(language, layers, type, window !== null);
  const shared = number(language['num_kv_shared_layers']) ?? 0;
  const own = shared > 0 && shared < kinds.length ? kinds.slice(0, kinds.length - shared) : kinds;
  const windowLayers = window === null ? 0 : own.filter((kind) => kind === 'window').length;
  return {
    kind: 'heads',
    fullLayers:
      own.filter((kind) => kind === 'full').length +
      (window === null ? own.filter((kind) => kind === 'window').length : 0),
    windowLayers,
    windowTokens: windowLayers === 0 ? null : window,
    kvHeads,
    headDim,
    fullKvHeads: positive(language['num_global_key_value_heads']) ?? kvHeads,
    fullHeadDim: positive(language['global_head_dim']) ?? headDim,
  };
}

/** Heads of keys and values, by the names vLLM 0.32 knows (`get_total_num_kv_heads`); the old Falcon has one. */
function kvHeadsOf(language: Fields, heads: number | null): number | null {
  if (language['multi_query'] === true && language['new_decoder_architecture'] !== true) return 1;
  const inner = language['attn_config'];
  return (
    number(language['n_head_kv']) ??
    number(language['num_kv_heads']) ??
    number(language['num_key_value_heads']) ??
    number(language['multi_query_group_num']) ??
    number(language['num_attention_groups']) ??
    (isRecord(inner) ? number(inner['kv_n_heads']) : null) ??
    heads
  );
}

function windowOf(language: Fields): number | null {
  if (language['use_sliding_window'] === false) return null;
  return positive(language['sliding_window']) ?? positive(language['attention_chunk_size']);
}

/** What each layer keeps: every token, the last ones, or nothing that grows (linear attention, state space). */
function layerKinds(
  language: Fields,
  layers: number,
  type: string,
  hasWindow = false,
): ('full' | 'window' | 'none')[] {
  const types = language['layer_types'] ?? language['layers_block_type'];
  if (Array.isArray(types) && types.length > 0) return types.slice(0, layers).map(kindOfLayer);
  const pattern = string(language['hybrid_override_pattern']);
  if (pattern !== null && pattern !== '') return [...pattern].map((sign) => (sign === '*' ? 'full' : 'none'));
  const indices = language['attn_layer_indices'];
  if (Array.isArray(indices)) return indices.map(() => 'full');
  const each = (is: (layer: number) => boolean, other: 'window' | 'none') =>
    Array.from({ length: layers }, (_one, layer) => (is(layer) ? ('full' as const) : other));
  const interval = positive(language['full_attention_interval']);
  if (interval !== null) return each((layer) => (layer + 1) % interval === 0, 'none');
  const period = positive(language['attn_layer_period']);
  if (period !== null) {
    const offset = number(language['attn_layer_offset']) ?? 0;
    return each((layer) => layer % period === offset, 'none');
  }
  if (!hasWindow) return each(() => true, 'none');
  const every = positive(language['sliding_window_pattern']) ?? DEFAULT_WINDOW_PATTERN[type] ?? null;
  return each((layer) => every !== null && (layer + 1) % every === 0, 'window');
}

function kindOfLayer(name: unknown): 'full' | 'window' | 'none' {
  const text = typeof name === 'string' ? name : '';
  if (/sliding|chunked|window/.test(text)) return 'window';
  return /linear|mamba|conv|recurrent|moe$|mlp/.test(text) ? 'none' : 'full';
}
