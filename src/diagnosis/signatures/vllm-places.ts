import type { Signature } from '../types.ts';

/** An exception that means what it says; a bug of the engine shows as AttributeError, IndexError or the like. */
const CHECK =
  /^(?:\w+\.)*(?:ValueError|NotImplementedError|ValidationError|ArgumentTypeError|KeyError): .{3}/;

/**
 * Errors without a wording of their own, told by the place they were raised at: a check of the settings is a check of
 * the settings, whatever its sentence. They count only where nothing better is known.
 */
export const VLLM_PLACE_SIGNATURES: readonly Signature[] = [
  {
    // Without a GPU vLLM 0.6.4 and later goes on with a platform that can nothing, until somebody asks it for something.
    id: 'no_platform',
    knownAs: 'no_gpu',
    family: 'vllm',
    code: 'gpu_missing',
    strength: 'weak',
    symptom: 'NotImplementedError raised in vllm/platforms/interface.py, after "No platform detected"',
    frames: /\/vllm\/platforms\/interface\.py in [^\n]*$| in resolve_obj_by_qualname$/,
    patterns: [
      /^NotImplementedError:?$/,
      /^ValueError: not enough values to unpack \(expected 2, got 1\)/,
      /^AttributeError: 'NoneType' object has no attribute/,
    ],
    detail: () => 'vLLM has found no GPU and no other platform that it can use',
    remedy: () =>
      'Give the container the GPU (deploy.resources.reservations.devices in the compose file) and check nvidia-smi on the host; then: ai-sandbox restart api.',
    samples: [],
    checkedAgainst: 'vLLM 0.6.4 to 0.32 (platforms/interface.py, utils)',
  },
  {
    id: 'in_quantization',
    family: 'vllm',
    code: 'quantization_unsupported',
    strength: 'weak',
    symptom: 'ValueError raised in vllm/model_executor/layers/quantization, or by one of its kernels',
    // What a kernel refuses is raised inside of torch: the frame before the last one names the kernel.
    frames:
      /\/model_executor\/layers\/quantization\/[^\n]*$|\/_custom_ops\.py in (?:cutlass_\w*mm|\w*(?:gptq|awq|marlin|machete|aqlm|squeezellm|scaled_fp[48])\w*)\b/,
    patterns: [CHECK, /^(?:AssertionError|RuntimeError): (?!.{0,40}(?:CUDA|NCCL|HIP) error).{3}/],
    samples: [],
    checkedAgainst: 'layout of vLLM 0.4.3 to 0.32',
  },
  {
    id: 'in_settings',
    family: 'vllm',
    code: 'argument_invalid',
    strength: 'weak',
    symptom: 'ValueError raised in vllm/config or vllm/engine/arg_utils.py',
    frames:
      /\/vllm\/(?:config(?:\.py|\/)|engine\/arg_utils\.py|envs\.py|entrypoints\/(?:cli\/|openai\/cli_args\.py)|platforms\/)[^\n]*$/,
    patterns: [CHECK, /^(?:AssertionError|TypeError): .{3}/],
    samples: [],
    checkedAgainst: 'layout of vLLM 0.4.3 to 0.32',
  },
  {
    id: 'in_tokenizer',
    family: 'vllm',
    code: 'tokenizer_unusable',
    strength: 'weak',
    symptom: 'error raised in transformers/tokenization…, vllm/tokenizers, sentencepiece or tiktoken',
    frames:
      /\/(?:transformers\/(?:tokenization_|convert_slow|models\/[^\n/]*\/(?:tokenization_|processing_|image_processing_|feature_extraction_))|vllm\/(?:tokenizers\/|transformers_utils\/(?:tokenizer|processor))|sentencepiece\/|tokenizers\/|tiktoken\/|mistral_common\/)[^\n]*$/,
    patterns: [CHECK, /^(?:TypeError|AttributeError|OSError|Exception|FileNotFoundError): .{3}/],
    samples: [],
    checkedAgainst: 'layout of transformers 4.40 to 5.0 and vLLM 0.4.3 to 0.32',
  },
  {
    id: 'in_model_config',
    family: 'vllm',
    code: 'model_config_invalid',
    strength: 'weak',
    symptom: 'error raised in transformers/configuration_utils.py or vllm/transformers_utils/config.py',
    frames:
      /\/(?:transformers\/(?:configuration_utils|modeling_rope_utils|models\/auto\/configuration_auto|models\/[^\n/]*\/configuration_)|vllm\/transformers_utils\/(?:config\.py|configs\/))[^\n]*$/,
    patterns: [CHECK, /^(?:TypeError|AttributeError): .{3}/],
    samples: [],
    checkedAgainst: 'layout of transformers 4.40 to 5.0 and vLLM 0.4.3 to 0.32',
  },
  {
    id: 'in_weights',
    family: 'vllm',
    code: 'weights_mismatch',
    strength: 'weak',
    symptom: 'error raised while the weights are loaded (load_weights, weight_loader)',
    frames: / in (?:load_weights|_load_module|weight_loader\w*|load_\w*weight\w*|_load_\w+)$/,
    patterns: [CHECK, /^(?:AssertionError|RuntimeError|IndexError): .{3}/],
    samples: [],
    checkedAgainst: 'layout of vLLM 0.4.3 to 0.32',
  },
  {
    id: 'in_compiler',
    family: 'vllm',
    code: 'compile_failed',
    strength: 'weak',
    symptom: 'error raised in torch/_inductor, torch/_dynamo or triton',
    frames:
      /\/(?:torch\/_(?:inductor|dynamo)|triton\/(?:compiler|backends|runtime\/(?:jit|build|autotuner)))[^\n]*$/,
    patterns: [
      CHECK,
      /^(?:AssertionError|RuntimeError|AttributeError|TypeError|FileNotFoundError|OSError): .{3}/,
    ],
    samples: [],
    checkedAgainst: 'layout of torch 2.3 to 2.13 and triton 2.3 to 3.5',
  },
  {
    id: 'not_supported',
    family: 'vllm',
    code: 'feature_unsupported',
    strength: 'weak',
    symptom: 'NotImplementedError: X is not supported with Y',
    patterns: [
      /^(?:NotImplementedError|ValueError|RuntimeError|AssertionError): (?!view size).{0,300}?(?:\bnot (?:yet |currently )?(?:supported|implemented|compatible)|\bonly (?:supports?|supported|compatible|implemented)|\bonly [\w/ -]{2,40} (?:is|are) (?:currently )?supported|\bunsupported|does(?:n't| not) support)/i,
    ],
    samples: ['NotImplementedError: Sliding window is not supported with this backend'],
    checkedAgainst: 'vLLM 0.4.3 to 0.32: 1,900 messages of its sources have this form',
  },
  {
    id: 'in_import',
    family: 'vllm',
    code: 'installation_broken',
    strength: 'weak',
    symptom: 'TypeError, AttributeError or NameError while a package is imported',
    frames: /\/(?:site|dist)-packages\/[^\n]* in <module>$/,
    patterns: [/^(?:TypeError|AttributeError|NameError|SyntaxError|KeyError|RuntimeError|ValueError): .{3}/],
    detail: () =>
      'a package cannot be imported: its version does not fit the Python or the packages beside it',
    samples: [],
    checkedAgainst: 'Python 3.8 to 3.13',
  },
  {
    id: 'call_mismatch',
    family: 'vllm',
    code: 'installation_broken',
    strength: 'weak',
    symptom: 'TypeError: f() got an unexpected keyword argument',
    patterns: [
      /^TypeError: .{1,120}(?:got an unexpected keyword argument|missing \d+ required (?:positional|keyword)|takes (?:from )?\d+ .{0,20}positional arguments? but)/,
    ],
    detail: () => 'one package calls another in a way it does not know: their versions do not fit together',
    samples: ["TypeError: apply_rotary() got an unexpected keyword argument 'seqlen_offsets'"],
    checkedAgainst: 'Python 3.8 to 3.12',
  },
];
