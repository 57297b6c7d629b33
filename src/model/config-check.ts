import type { Finding } from '../status/problem.ts';
import type { ModelConfig } from './model-config.ts';
import type { ModelFacts } from './model-facts.ts';
import type { EngineOptions } from './surroundings.ts';
import {
  CHAT_ARCHITECTURES,
  DRAFT_ARCHITECTURES,
  PLUGIN_ARCHITECTURES,
  POOLING_ARCHITECTURES,
  QUANTIZATION_METHODS,
  REMOVED_ARCHITECTURES,
  TABLE_VERSION,
  TRANSFORMERS_ARCHITECTURES,
} from './vllm-architectures.ts';
import { MODEL_TYPES } from './vllm-model-types.ts';

/** Says why vLLM could not serve chats with a model, by what the model says of itself; null when nothing speaks against it. */
export function checkConfig(
  id: string,
  facts: Pick<ModelFacts, 'config' | 'chatTemplate'>,
  engine: EngineOptions,
): Finding | null {
  const { config } = facts;
  if (config === null) {
    return unsupported(
      `${id} has no config.json that can be read, so it is no model of transformers or vLLM`,
    );
  }
  if (config.mlx) {
    return unsupported(`${id} is quantised for Apple's MLX, which vLLM cannot read`, MODEL_REMEDY);
  }
  return (
    architectureFault(id, config, engine) ??
    quantizationFault(id, config, engine) ??
    templateFault(id, facts, engine)
  );
}

const MODEL_REMEDY = 'Use the original model, or an AWQ, GPTQ or FP8 version of it, in MODEL_ID.';

function architectureFault(id: string, config: ModelConfig, engine: EngineOptions): Finding | null {
  const { architectures } = config;
  if (architectures.length === 0) {
    return unsupported(
      `the config.json of ${id} names no architecture, so it cannot be loaded as a model of its own`,
    );
  }
  const known = (name: string) => CHAT_ARCHITECTURES.has(name) || TRANSFORMERS_ARCHITECTURES.has(name);
  const [name = ''] = architectures;
  if (architectures.some(known)) return ownConfigurationFault(id, config, engine);
  const removed = REMOVED_ARCHITECTURES[name];
  if (removed !== undefined && isOlderThan(engine, removed)) return null;
  if (removed !== undefined)
    return unsupported(`${name} was supported by vLLM until ${removed} and no longer is`);
  const other = OTHER_TASKS[name];
  if (other !== undefined) return unsupported(`${name} is for ${other}: it answers no chats`);
  if (PLUGIN_ARCHITECTURES.has(name)) {
    return unsupported(`${name} needs an additional package that the image of vLLM does not have`);
  }
  if (
    POOLING_ARCHITECTURES.has(name) ||
    /For(Sequence|Token|Image|Audio)Classification$|ForQuestionAnswering$|ForMaskedLM$/.test(name)
  ) {
    return unsupported(`${name} is for embeddings, ranking or classification: it answers no chats`);
  }
  if (DRAFT_ARCHITECTURES.has(name)) return unsupported(`${name} is only the draft of a larger model`);
  if (config.ownCode) return ownCodeFault(id, name, engine);
  // A newer image may know what the table of this version does not.
  if (isNewer(engine)) return null;
  return unsupported(
    `${name} is neither among the architectures of vLLM ${TABLE_VERSION} nor among those it loads through transformers`,
  );
}

/** Architectures of vLLM that do something else than to chat or to embed. */
const OTHER_TASKS: Readonly<Record<string, string>> = {
  WhisperForConditionalGeneration: 'the transcription of speech',
  OpenVLAForActionPrediction: 'the movements of robots',
};

/** The model is known, its configuration is not: vLLM reads that with the code of the repository, or not at all. */
function ownConfigurationFault(
  id: string,
  { architectures, modelType, ownCode }: ModelConfig,
  engine: EngineOptions,
): Finding | null {
  if (engine.trustRemoteCode || isNewer(engine) || !ownCode) return null;
  if (modelType === null || MODEL_TYPES.has(modelType)) return null;
  if (architectures.some((name) => name.startsWith('LongcatFlash'))) return null;
  return {
    code: 'remote_code_refused',
    detail: `vLLM ${TABLE_VERSION} reads the configuration of ${modelType} models only with the Python code that ${id} brings`,
  };
}

function ownCodeFault(id: string, name: string, engine: EngineOptions): Finding | null {
  if (engine.trustRemoteCode) return null;
  return {
    code: 'remote_code_refused',
    detail: `${name} is not part of vLLM ${TABLE_VERSION}; ${id} brings Python code of its own for it`,
  };
}

function quantizationFault(id: string, config: ModelConfig, engine: EngineOptions): Finding | null {
  const method = config.quantization;
  if (method === null || QUANTIZATION_METHODS.has(method) || isNewer(engine)) return null;
  return {
    code: 'quantization_unsupported',
    detail: `${id} is quantised with ${method}, which vLLM ${TABLE_VERSION} does not read`,
  };
}

function templateFault(
  id: string,
  { chatTemplate }: Pick<ModelFacts, 'chatTemplate'>,
  engine: EngineOptions,
): Finding | null {
  if (chatTemplate !== false || engine.chatTemplate) return null;
  return {
    code: 'chat_template_missing',
    detail: `the tokenizer of ${id} brings no chat template, so every chat would be refused`,
  };
}

function unsupported(detail: string, remedy?: string): Finding {
  return { code: 'architecture_unsupported', detail, ...(remedy === undefined ? {} : { remedy }) };
}

function isNewer({ version }: EngineOptions): boolean {
  const [major = 0, minor = 0] = TABLE_VERSION.split('.').map(Number);
  return version !== null && (version.major > major || (version.major === major && version.minor > minor));
}

/** The image is still one that had it. */
function isOlderThan({ version }: EngineOptions, last: string): boolean {
  const [major = 0, minor = 0] = last.split('.').map(Number);
  return version !== null && (version.major < major || (version.major === major && version.minor <= minor));
}
