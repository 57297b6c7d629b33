import type { ModelConfig } from './model-config.ts';
import type { ParameterCounts } from './weights-size.ts';

/** What is known of a model beside its files, before the first byte of its weights. */
export interface ModelFacts {
  /** Null when it has neither config.json nor params.json, or one that cannot be read. */
  config: ModelConfig | null;
  /** Bytes of the weight files. */
  fileBytes: number;
  /** Numbers by type as the hub counts them; null where it does not. */
  parameters: ParameterCounts | null;
  /** A chat template is in the repository, or its tokenizer brings one of its own; null when it cannot be told. */
  chatTemplate: boolean | null;
}

/** Files that are a chat template, or a tokenizer of Mistral, which formats chats itself. */
const TEMPLATE_FILE =
  /^(chat_template\.(jinja|json)|additional_chat_templates\/.+\.jinja|tekken\.json|tokenizer\.model\.v\d+.*)$/;

/** Model types for which vLLM 0.32 brings a template (vllm/transformers_utils/chat_templates/registry.py). */
const TEMPLATE_OF_VLLM =
  /^(blip-2|clip|colpali|deepseek_ocr2?|unlimited[-_]ocr|deepseek_vl_v2|minicpmv(4_[67])?|paligemma|siglip2?)$/;

/**
 * Whether a model can format a chat: a template file, `chat_template` in tokenizer_config.json, Mistral's tokenizer, or
 * a template that vLLM has for its type. Null where there is no tokenizer_config.json to look into.
 */
export function hasChatTemplate(
  paths: readonly string[],
  tokenizerConfig: string | null,
  config: Pick<ModelConfig, 'modelType'> | null,
): boolean | null {
  if (paths.some((path) => TEMPLATE_FILE.test(path))) return true;
  if (TEMPLATE_OF_VLLM.test(config?.modelType ?? '')) return true;
  if (tokenizerConfig === null) return null;
  try {
    const parsed: unknown = JSON.parse(tokenizerConfig);
    if (typeof parsed !== 'object' || parsed === null) return null;
    const template = 'chat_template' in parsed ? parsed.chat_template : undefined;
    return (
      (typeof template === 'string' && template !== '') || (Array.isArray(template) && template.length > 0)
    );
  } catch {
    return null;
  }
}

/** Which file of a snapshot describes the model; Mistral's own only beside its own weights, as vLLM chooses. */
export function configPath(paths: readonly string[], consolidated: boolean): string | null {
  const order = consolidated ? ['params.json', 'config.json'] : ['config.json', 'params.json'];
  return order.find((path) => paths.includes(path)) ?? null;
}
