import { type Fields, isRecord, number, positive, string } from './config-fields.ts';

/** What a layer keeps: every token, the last ones, or nothing that grows (linear attention, state space). */
export type LayerKind = 'full' | 'window' | 'none';

/** Every how manieth layer keeps every token, where a file of these model types does not say (transformers' defaults). */
const DEFAULT_WINDOW_PATTERN: Readonly<Record<string, number>> = {
  gemma2: 2,
  gpt_oss: 2,
  cohere2: 4,
  exaone4: 4,
  olmo3: 4,
  gemma3n_text: 5,
  gemma3: 6,
  gemma3_text: 6,
  gemma4_text: 6,
};

/** The same for types whose other layers keep nothing that grows. */
const DEFAULT_FULL_INTERVAL = /^qwen3_(next|5(_moe)?(_text)?)$/;
const DEFAULT_INTERVAL = 4;

/** Llama 4: every fourth layer sees everything, where its file does not name them. */
const DEFAULT_NO_ROPE_INTERVAL = 4;

/** Model types without any attention. */
const STATE_SPACE_ONLY = /^(mamba2?|falcon_mamba)$/;

/** True for a model that keeps nothing that grows with the context. */
export function keepsNothing(type: string): boolean {
  return STATE_SPACE_ONLY.test(type);
}

/**
 * What each layer of a model keeps, by the many ways in which files say so. `windowed` tells that the file has a window
 * at all; without one nothing is taken for windowed unless the file names the layer so.
 */
export function layerKinds(language: Fields, layers: number, type: string, windowed: boolean): LayerKind[] {
  const each = (is: (layer: number) => boolean, other: LayerKind): LayerKind[] =>
    Array.from({ length: layers }, (_one, layer) => (is(layer) ? 'full' : other));
  return (
    namedLayers(language, layers) ??
    numberedLayers(language, each) ??
    periodicLayers(language, type, each) ??
    (windowed ? windowedLayers(language, type, each) : each(() => true, 'none'))
  );
}

type Each = (is: (layer: number) => boolean, other: LayerKind) => LayerKind[];

/** Layers that are named one by one. */
function namedLayers(language: Fields, layers: number): LayerKind[] | null {
  const types = language['layer_types'] ?? language['layers_block_type'];
  if (Array.isArray(types) && types.length > 0) return types.slice(0, layers).map(kindOfLayer);
  const pattern = string(language['hybrid_override_pattern']);
  if (pattern !== null && pattern !== '') return [...pattern].map((sign) => (sign === '*' ? 'full' : 'none'));
  // MiMo-V2: 1 is a layer with a window.
  const hybrid = language['hybrid_layer_pattern'];
  if (Array.isArray(hybrid) && hybrid.length > 0) {
    return hybrid.slice(0, layers).map((sign) => (sign === 1 ? 'window' : 'full'));
  }
  const blocks = language['block_configs'];
  return Array.isArray(blocks) && blocks.length > 0 ? blocks.slice(0, layers).map(kindOfBlock) : null;
}

/** Layers with attention that are listed by their numbers. */
function numberedLayers(language: Fields, each: Each): LayerKind[] | null {
  const indices = language['attn_layer_indices'] ?? language['full_attn_idxs'];
  if (Array.isArray(indices)) return each((layer) => indices.includes(layer), 'none');
  const linear = language['linear_attn_config'];
  const full = isRecord(linear) ? linear['full_attn_layers'] : null;
  // Kimi counts from 1.
  return Array.isArray(full) ? each((layer) => full.includes(layer + 1), 'none') : null;
}

/** Every so manieth layer has attention, the others keep nothing that grows. */
function periodicLayers(language: Fields, type: string, each: Each): LayerKind[] | null {
  const interval =
    positive(language['full_attention_interval']) ??
    (DEFAULT_FULL_INTERVAL.test(type) ? DEFAULT_INTERVAL : null);
  if (interval !== null) return each((layer) => (layer + 1) % interval === 0, 'none');
  const period = positive(language['attn_layer_period']);
  const offset = number(language['attn_layer_offset']) ?? 0;
  return period === null ? null : each((layer) => layer % period === offset, 'none');
}

/** Layers of a model that has a window: all, or all but every so manieth. */
function windowedLayers(language: Fields, type: string, each: Each): LayerKind[] {
  if (positive(language['attention_chunk_size']) !== null) {
    const named = language['no_rope_layers'];
    if (Array.isArray(named) && named.length > 0) return each((layer) => named[layer] === 0, 'window');
    const interval = positive(language['no_rope_layer_interval']) ?? DEFAULT_NO_ROPE_INTERVAL;
    return each((layer) => (layer + 1) % interval === 0, 'window');
  }
  const signs = string(language['sliding_window_pattern']);
  if (signs !== null && signs !== '') return each((layer) => signs[layer % signs.length] === 'G', 'window');
  const every = positive(language['sliding_window_pattern']) ?? DEFAULT_WINDOW_PATTERN[type] ?? null;
  return each((layer) => every !== null && (layer + 1) % every === 0, 'window');
}

function kindOfLayer(name: unknown): LayerKind {
  const text = typeof name === 'string' ? name : '';
  if (/sliding|chunked|window/.test(text)) return 'window';
  return /linear|mamba|conv|recurrent|moe$|mlp/.test(text) ? 'none' : 'full';
}

/** Of the blocks that architecture search left (Nemotron), only some still have attention. */
function kindOfBlock(block: unknown): LayerKind {
  if (!isRecord(block)) return 'full';
  if (typeof block['block_type'] === 'string') return block['block_type'] === 'attention' ? 'full' : 'none';
  const attention = block['attention'];
  if (!isRecord(attention)) return 'full';
  return attention['no_op'] === true || attention['replace_with_linear'] === true ? 'none' : 'full';
}
