import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../src/model/config-check.ts';
import { readModelConfig } from '../../../src/model/model-config.ts';
import { hasChatTemplate } from '../../../src/model/model-facts.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '../../../src/model/surroundings.ts';

function check(fields: Record<string, unknown>, options: Partial<EngineOptions> = {}, chatTemplate = true) {
  const config = readModelConfig(JSON.stringify(fields));
  return checkConfig('acme/model', { config, chatTemplate }, { ...DEFAULT_ENGINE_OPTIONS, ...options });
}

const version = (minor: number) => ({ version: { major: 0, minor } });

describe('whether vLLM can serve a model', () => {
  it.each([
    'LlamaForCausalLM',
    'Qwen3MoeForCausalLM',
    'Mistral3ForConditionalGeneration',
    'SmolLM3ForCausalLM',
    'HeliumForCausalLM',
  ])('takes %s', (name) => {
    expect(check({ architectures: [name] })).toBeNull();
  });

  it.each([
    ['NoSuchForCausalLM', 'neither among'],
    ['BertModel', 'embeddings'],
    ['DistilBertForSequenceClassification', 'classification'],
    ['BaichuanForCausalLM', 'until 0.23.0'],
    ['BartForConditionalGeneration', 'additional package'],
    ['EagleLlamaForCausalLM', 'draft'],
    ['WhisperForConditionalGeneration', 'transcription'],
  ])('refuses %s and says why', (name, why) => {
    expect(check({ architectures: [name] })).toMatchObject({
      code: 'architecture_unsupported',
      detail: expect.stringContaining(why),
    });
  });

  it('refuses a model without a configuration, without an architecture, and one for MLX', () => {
    expect(
      checkConfig('a/b', { config: null, chatTemplate: null }, DEFAULT_ENGINE_OPTIONS)?.detail,
    ).toContain('no config.json');
    expect(check({ model_type: 'llama' })?.detail).toContain('names no architecture');
    expect(check({ architectures: ['LlamaForCausalLM'], quantization: { bits: 4 } })?.detail).toContain(
      'MLX',
    );
  });

  it('asks for a decision about code of the repository, and takes it once it is made', () => {
    const own = { architectures: ['NoSuchForCausalLM'], auto_map: { AutoModelForCausalLM: 'm.No' } };
    expect(check(own)).toMatchObject({ code: 'remote_code_refused' });
    expect(check(own, { trustRemoteCode: true })).toBeNull();
  });

  it('asks for that decision also where vLLM has the model and only its configuration is code', () => {
    const model = (architecture: string, model_type: string) => ({
      architectures: [architecture],
      model_type,
      auto_map: { AutoConfig: 'configuration_x.XConfig' },
    });
    for (const [architecture, type] of [
      ['InternLM2ForCausalLM', 'internlm2'],
      ['InternVLChatModel', 'internvl_chat'],
      ['MiniCPMV', 'minicpmv'],
      ['DeciLMForCausalLM', 'nemotron-nas'],
    ] as const) {
      expect(check(model(architecture, type))).toMatchObject({
        code: 'remote_code_refused',
        detail: expect.stringContaining(type),
      });
      expect(check(model(architecture, type), { trustRemoteCode: true })).toBeNull();
      expect(check(model(architecture, type), version(33))).toBeNull();
    }
    for (const [architecture, type] of [
      ['DeepseekV3ForCausalLM', 'deepseek_v3'],
      ['DeepseekV3ForCausalLM', 'kimi_k2'],
      ['Phi3ForCausalLM', 'phi3'],
      ['ChatGLMModel', 'chatglm'],
    ] as const) {
      expect(check(model(architecture, type))).toBeNull();
    }
  });

  it('leaves it to a newer image what the table does not know, and to an older one what was removed later', () => {
    expect(check({ architectures: ['NoSuchForCausalLM'] }, version(33))).toBeNull();
    expect(check({ architectures: ['BaichuanForCausalLM'] }, version(22))).toBeNull();
    expect(check({ architectures: ['BaichuanForCausalLM'] }, version(32))).not.toBeNull();
  });

  it('knows the quantisations that vLLM reads, in every spelling', () => {
    const quantised = (method: string) => ({
      architectures: ['LlamaForCausalLM'],
      quantization_config: { quant_method: method },
    });
    for (const method of ['awq', 'GPTQ', 'compressed_tensors', 'fp8', 'auto-round']) {
      expect(check(quantised(method))).toBeNull();
    }
    expect(check(quantised('aqlm'))).toMatchObject({ code: 'quantization_unsupported' });
  });

  it('refuses a model that cannot chat, unless the command brings a template', () => {
    const llama = { architectures: ['LlamaForCausalLM'] };
    expect(check(llama, {}, false)).toMatchObject({ code: 'chat_template_missing' });
    expect(check(llama, { chatTemplate: true }, false)).toBeNull();
  });
});

describe('the chat template of a model', () => {
  const config = { modelType: 'llama' };

  it('stands in a file, in the configuration of the tokenizer, or comes with the tokenizer of Mistral', () => {
    expect(hasChatTemplate(['chat_template.jinja'], '{}', config)).toBe(true);
    expect(hasChatTemplate([], '{"chat_template":"{{ messages }}"}', config)).toBe(true);
    expect(hasChatTemplate([], '{"chat_template":[{"name":"default","template":"x"}]}', config)).toBe(true);
    expect(hasChatTemplate(['tekken.json'], '{}', config)).toBe(true);
    expect(hasChatTemplate(['tokenizer.model.v3'], null, config)).toBe(true);
  });

  it('comes with vLLM for some kinds of models', () => {
    expect(hasChatTemplate([], '{}', { modelType: 'paligemma' })).toBe(true);
  });

  it('is missing where the tokenizer is described without one, and unknown where it is not described', () => {
    expect(hasChatTemplate(['tokenizer.json'], '{"model_max_length":5}', config)).toBe(false);
    expect(hasChatTemplate(['tokenizer.json'], null, config)).toBeNull();
    expect(hasChatTemplate([], 'no json', config)).toBeNull();
  });
});
