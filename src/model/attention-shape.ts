import { type Fields, isRecord, number, positive } from './config-fields.ts';
import { keepsNothing, layerKinds } from './layer-kinds.ts';

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

/** Model types whose window is used only where the file says `use_sliding_window` (transformers 5.19). */
const WINDOW_ON_REQUEST = /^(qwen|smollm3|got_ocr2|deepseek_ocr2)/;

/** Ten times more than any model has; a larger number is no number of layers. */
const MAXIMUM_LAYERS = 2_000;

/** Heads of the queries; the number of GPUs that share a model must divide it. */
export function attentionHeads(language: Fields): number | null {
  return number(language['num_attention_heads']) ?? number(language['n_head']) ?? number(language['n_heads']);
}

/**
 * Reads the shape out of the language part of a configuration, whose defaults are filled in; null where it does not tell
 * enough.
 */
export function attentionOf(language: Fields, type: string): AttentionShape | null {
  const layers =
    number(language['num_hidden_layers']) ??
    number(language['n_layer']) ??
    number(language['n_layers']) ??
    number(language['num_layers']);
  // A hub's file is hostile until read: each layer is looked at, and a number of them costs memory.
  if (layers === null || layers > MAXIMUM_LAYERS) return null;
  if (keepsNothing(type)) return NO_ATTENTION;
  const latentRank = number(language['kv_lora_rank']);
  if (latentRank !== null && LATENT_MODEL_TYPE.test(type)) {
    const kept = layerKinds(language, layers, type, false).filter((kind) => kind !== 'none').length;
    return { kind: 'latent', layers: kept, width: latentRank + (number(language['qk_rope_head_dim']) ?? 0) };
  }
  const heads = attentionHeads(language);
  const headDim = headDimOf(language, heads);
  const kvHeads = kvHeadsOf(language, heads);
  if (headDim === null || kvHeads === null) return null;
  const window = windowOf(language, type);
  const kinds = layerKinds(language, layers, type, window !== null);
  const shared = number(language['num_kv_shared_layers']) ?? 0;
  const own = shared > 0 && shared < kinds.length ? kinds.slice(0, kinds.length - shared) : kinds;
  const counted = (kind: 'full' | 'window') => own.filter((one) => one === kind).length;
  const windowLayers = window === null ? 0 : counted('window');
  return {
    kind: 'heads',
    fullLayers: counted('full') + (window === null ? counted('window') : 0),
    windowLayers,
    windowTokens: windowLayers === 0 ? null : window,
    kvHeads: positive(language['swa_num_key_value_heads']) ?? kvHeads,
    headDim: positive(language['swa_head_dim']) ?? headDim,
    fullKvHeads: positive(language['num_global_key_value_heads']) ?? kvHeads,
    fullHeadDim: positive(language['global_head_dim']) ?? headDim,
  };
}

/** A state of fixed size takes the place of the cache. */
const NO_ATTENTION: AttentionShape = {
  kind: 'heads',
  fullLayers: 0,
  windowLayers: 0,
  windowTokens: null,
  kvHeads: 0,
  headDim: 0,
  fullKvHeads: 0,
  fullHeadDim: 0,
};

function headDimOf(language: Fields, heads: number | null): number | null {
  const [plain, rotary] = [positive(language['qk_nope_head_dim']), positive(language['qk_rope_head_dim'])];
  // Keys of two parts that are kept uncompressed (MiniCPM 3).
  if (plain !== null && rotary !== null) return plain + rotary;
  const hidden =
    number(language['hidden_size']) ??
    number(language['n_embd']) ??
    number(language['n_embed']) ??
    number(language['d_model']);
  return (
    positive(language['head_dim']) ??
    positive(language['hidden_size_per_head']) ??
    positive(language['attention_head_dim']) ??
    (hidden !== null && heads !== null && heads > 0 ? Math.floor(hidden / heads) : null)
  );
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
    kvHeadsOfBlocks(language['block_configs'], heads) ??
    heads
  );
}

/** Where architecture search has left each block its own, vLLM takes the first that has any (`nemotron-nas`). */
function kvHeadsOfBlocks(blocks: unknown, heads: number | null): number | null {
  if (!Array.isArray(blocks) || heads === null) return null;
  for (const block of blocks) {
    const attention = isRecord(block) ? block['attention'] : null;
    const group = isRecord(attention) ? positive(attention['n_heads_in_group']) : null;
    if (group !== null) return Math.max(1, Math.floor(heads / group));
  }
  return null;
}

function windowOf(language: Fields, type: string): number | null {
  const used = language['use_sliding_window'];
  if (used === false || (used !== true && WINDOW_ON_REQUEST.test(type))) return null;
  return positive(language['sliding_window']) ?? positive(language['attention_chunk_size']);
}
