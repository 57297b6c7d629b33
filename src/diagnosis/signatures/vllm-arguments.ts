import type { Signature } from '../types.ts';

/** The command line, environment variables and combinations of settings. */
export const VLLM_ARGUMENT_SIGNATURES: readonly Signature[] = [
  {
    id: 'len_gt_derived',
    family: 'vllm',
    code: 'context_too_long',
    symptom: 'User-specified max_model_len (N) is greater than the derived max_model_len',
    patterns: [
      /User-specified max_model_len \((?<wanted>\d+)\) is greater than the derived max_model_len \((?:.{0,60}?=)?(?<limit>\d+)/,
      /is greater than the derived max_model_len|VLLM_ALLOW_LONG_MAX_MODEL_LEN=1/,
    ],
    detail: ({ wanted, limit }) =>
      wanted === undefined
        ? '--max-model-len is larger than the model allows'
        : `--max-model-len is ${wanted}, and the model allows ${limit}`,
    remedy: ({ limit }) =>
      limit === undefined ? null : `Set --max-model-len to at most ${limit}, or leave it out.`,
    samples: [
      "ValueError: User-specified max_model_len (65536) is greater than the derived max_model_len (max_position_embeddings=32768 or model_max_length=None in model's config.json). This may lead to incorrect model outputs or CUDA errors.",
      "Value error, User-specified max_model_len (4096) is greater than the derived max_model_len (max_position_embeddings=2048.0 or model_max_length=None in model's config.json). To allow overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. [type=value_error, input_value=ArgsKwargs((), {'model': ...}), input_type=ArgsKwargs]",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32',
  },
  {
    id: 'flag',
    family: 'vllm',
    code: 'argument_invalid',
    symptom: 'error: unrecognized arguments: --x · invalid choice · expected one argument',
    patterns: [
      /error: unrecognized arguments?: (?<argument>(?<unknown>.{1,300}))/,
      /error: argument (?<argument>\S+?)(?:\/\S+)?: (?:invalid|expected|not allowed|Value|ignored|conflicting|unknown|Port|cannot|must)/,
      /error: (?:the following arguments are required|ambiguous option|one of the arguments|argument |invalid choice|expected )/,
      /invalid choice: /,
      /invalid (?<parser>tool call|reasoning) parser: ?'?(?<argument>[\w.-]+)/i,
      /(?:tool|reasoning)[_ ](?:call )?parser '?(?<argument>[\w.-]+)'? (?:not found|is not (?:registered|supported))|(?:Reasoning|Tool) parser '?[\w.-]+'? not found/i,
      /--enable-auto-tool-choice requires|--enable-reasoning requires|cannot be enabled at the same time/,
      /^(?:\w*Error: )?(?:Error: )?(?<argument>--[a-z][\w-]{2,60}) (?:requires|needs|cannot|can only|must|should|is (?:not|only)|and --)/,
      /No model specified|you should provide the model as a positional argument/,
      /Config file must be of a yaml|Unable to read the config file|No config file specified|--config/,
      /The supplied chat template \(?(?:string )?.{0,200}(?:doesn't exist|looks path-like)|(?:chat template).{0,120}(?:doesn't exist|not found|No such file)/i,
      /Failed to (?:parse|convert|decode) .{0,80}(?:argument|JSON|config)|is not a valid (?:boolean|integer|json|JSON|choice|value)/,
      /^Error: (?:No such (?:option|command)|Missing (?:option|argument)|Invalid value)/,
    ],
    detail: ({ argument, parser }) => {
      if (argument === undefined) return 'an option of the command line is not accepted';
      return parser === undefined
        ? `this version does not accept: ${argument}`
        : `there is no ${parser} parser "${argument}" in this version`;
    },
    remedy: ({ unknown }) =>
      unknown === undefined
        ? null
        : `Remove ${unknown.trim()} from the command of the api service, or correct it; vllm serve --help lists the options of this image.`,
    samples: [
      'vllm serve: error: unrecognized arguments: --enable-reasoning',
      'api_server.py: error: unrecognized arguments: --disable-log-request',
      "usage: vllm serve: error: argument --dtype: invalid choice: 'fp16' (choose from 'auto', 'half')",
      'vllm: error: argument --max-model-len: expected one argument',
      "KeyError: 'invalid tool call parser: qwen (chose from { deepseek_v3,granite })'",
      'TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser',
      'ValueError: --data-parallel-external-lb cannot be used without --data-parallel-rank',
      "ValueError: The supplied chat template string (/templates/x.jinja) appears path-like, but doesn't exist!",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; Python 3.8 to 3.12 (argparse)',
  },
  {
    id: 'environment_variable',
    family: 'vllm',
    code: 'argument_invalid',
    symptom: 'VLLM_PORT appears to be a URI · Invalid value in VLLM_…',
    patterns: [
      /VLLM_PORT '(?<value>[^']{1,200})' (?:appears to be a URI|must be a valid integer)/,
      /Invalid value '[^']{0,200}' (?:in|for) (?<name>VLLM_\w+)/,
      /Invalid environment variable (?<name>VLLM_\w+)/,
      /invalid literal for int\(\) with base 10: '(?:tcp:\/\/|MIG-|GPU-)/,
      /(?<name>VLLM_\w+) (?:is set to|=|must be|should be|cannot be|has an? (?:invalid|unknown))/,
      // VLLM_LOGGING_LEVEL and VLLM_LOGGING_CONFIG_PATH
      /^ValueError: Unknown level: /,
      /Could not load logging config\. File does not exist/,
    ],
    remedy: ({ value, name }) =>
      value === undefined
        ? name === undefined
          ? null
          : `Correct or remove ${name} in the environment of the api service.`
        : 'Kubernetes sets VLLM_PORT for a service named vllm: rename that service, or set enableServiceLinks: false.',
    samples: [
      "ValueError: Unknown level: 'LOUD'",
      "RuntimeError: ('Could not load logging config. File does not exist: %s', '/etc/no-such-file.json')",
      "ValueError: VLLM_PORT 'tcp://10.43.0.12:8000' appears to be a URI. This may be caused by a Kubernetes service discovery issue,check the warning in: https://docs.vllm.ai/en/stable/serving/env_vars.html",
      "ValueError: Invalid value 'FLASH' for VLLM_ATTENTION_BACKEND. Valid options: ['FLASH_ATTN']",
      'RuntimeError: Invalid environment variable VLLM_CPU_KVCACHE_SPACE 0.5, expect a positive integer value.',
    ],
    checkedAgainst: 'vLLM 0.6 to 0.32',
  },
  {
    id: 'attention_backend',
    family: 'vllm',
    code: 'feature_unsupported',
    symptom: 'No valid attention backend found · Selected backend X is not valid for this configuration',
    patterns: [
      /[Hh]ead[ _]size \d+ is not supported/,
      /No valid attention backend found for|Selected backend \S+ is not valid for this configuration|Invalid attention backend/,
      /selected backend,? \S+,? ?(?:does not support|is not|is only supported)|(?:attention backend|Attention backend) \S{0,60} ?(?:is |are )?(?:not supported|does not support|unsupported)/i,
      /FlashInfer backend (?:is not available|currently only supports|currently does not)|VLLM_ATTENTION_BACKEND is set to \w+, but/,
      /FlashAttention(?: backend)? .{0,80}(?:not supported|does not support|is not available|requires)|FA3 is unavailable|FlashMLA.{0,60}not supported/i,
      /Sinks? (?:are|is) only supported|attention sinks? .{0,20}not supported/i,
      /No operator found for `?memory_efficient_attention|head_dim.{0,60}not supported/,
      /(?:MLA|Sparse Attention|DualChunkFlashAttention) is (?:not|only) supported/,
    ],
    remedy: () =>
      'Leave the attention backend to vLLM (remove VLLM_ATTENTION_BACKEND and --attention-backend), or name one this GPU has.',
    samples: [
      'ValueError: Head size 80 is not supported by PagedAttention. Supported head sizes are: [64, 96, 112, 120, 128, 192, 256].',
      'ValueError: No valid attention backend found for cuda with AttentionSelectorConfig(head_size=72). Reasons: {FLASH_ATTN: [head_size not supported]}.',
      "ValueError: Selected backend AttentionBackendEnum.FLASHINFER is not valid for this configuration. Reason: ['sink setting not supported']",
      'RuntimeError: FlashInfer backend is not available. Please install the package to enable FlashInfer kernels: https://github.com/flashinfer-ai/flashinfer',
    ],
    checkedAgainst: 'vLLM 0.6.6 to 0.32',
  },
  {
    id: 'uva',
    family: 'vllm',
    code: 'feature_unsupported',
    symptom: 'RuntimeError: UVA is not available',
    patterns: [/UVA is not available|requires UVA|[Pp]in(?:ned)? memory is not (?:available|supported)/],
    remedy: () =>
      'Under WSL set VLLM_WSL2_ENABLE_PIN_MEMORY=1 for the api service; elsewhere leave CPU offloading out.',
    samples: ['RuntimeError: UVA is not available'],
    checkedAgainst: 'vLLM 0.24 to 0.32',
  },
  {
    id: 'lora_missing',
    family: 'vllm',
    code: 'model_file_missing',
    symptom: 'Loading lora … failed: No adapter found for …',
    patterns: [/No adapter found for (?<folder>[^\s"'\]]{1,300})/],
    detail: ({ folder }) => `no LoRA adapter is in ${folder}`,
    remedy: () => 'Correct the path in --lora-modules, and mount that directory into the api service.',
    samples: ["ValueError: Loading lora ['sql'] failed: No adapter found for /models/adapters/sql"],
    checkedAgainst: 'vLLM 0.6 to 0.32',
  },
  {
    id: 'feature',
    family: 'vllm',
    code: 'feature_unsupported',
    symptom: 'does not support LoRA · speculative decoding is not supported · sleep mode is not supported',
    patterns: [
      /(?:does not|doesn't) support (?:LoRA|pipeline|prefix caching|chunked prefill|quantiz|multimodal|embedding|EAGLE|M?RoPE|sleep|score|cudagraph|CUDA graph|any pooling)/i,
      /(?:LoRA|[Ss]peculative decoding|[Pp]refix caching|[Cc]hunked prefill|[Ss]leep mode|[Aa]sync scheduling|[Ee]xpert parallel\w*|EPLB|CPU offload\w*|[Ss]tructured output\w*|[Mm]ulti-step\w*|KV connector\w*|[Gg]uided decoding|Eagle3?|EAGLE|MTP|M-RoPE|context parallel\w*|fp8 kv|FP8 KV)[\w\s,.'`()-]{0,80}(?:is|are) (?:not|only|currently not|not yet|currently only) (?:yet )?(?:supported|implemented|compatible|allowed|enabled|available)/i,
      /does not support `?--runner|This model does not support|VLLM_USE_V1=[01] is not supported|only supported (?:on|in|for|with|by) (?:V[01]|vLLM V[01]|CUDA|ROCm|TPU|multimodal)/i,
      /Hybrid KV cache manager is disabled but failed|CUDAGraphMode\.\S+ is not supported|[Ff]ull CUDAGraph not supported|Full CUDA graph/,
      /(?:limit_mm_per_prompt|mm_processor_kwargs)\b.{0,60}(?:only|not |n't|must|invalid|unsupported|requires?)|The model is not multimodal/,
      /is not supported (?:on|by|for|with|in) (?:the )?(?:current platform|this platform|this model|CPU|XPU|ROCm|TPU|CUDA|V1|V0|vLLM V[01]|this GPU|this device)/i,
      /(?:Expect|Check failed|Unsupported)\b.{0,80}(?:head_?dim|numTokensPerPage|page_?size)/i,
      /is unsupported LoRA weight|LoRA is not enabled|using LoRA, vocab size must be|expected target modules in .{1,400} but received|No supported LoRA modules found|Model \S+ is not supported for LoRA|LoRA rank (?<rank>\d+) is greater than max_lora_rank|max_lora_rank|Loading lora .{0,160} failed|Missing required configuration fields: .{0,80}/i,
    ],
    remedy: ({ rank }) =>
      rank === undefined ? null : `Add --max-lora-rank ${rank} to the command of the api service.`,
    samples: [
      'ValueError: Model MambaForCausalLM does not support LoRA, but LoRA is enabled. Support for this model may be added in the future.',
      'NotImplementedError: Speculative decoding is not yet supported on vLLM V1.',
      'ValueError: Sleep mode is not supported on current platform.',
      'ValueError: LoRA rank 64 is greater than max_lora_rank 16.',
      'ValueError: This model does not support `--runner generate`.',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32',
  },
  {
    id: 'settings_conflict',
    family: 'vllm',
    code: 'argument_invalid',
    symptom: 'max_num_batched_tokens is smaller than max_model_len · mutually exclusive',
    patterns: [
      /max_num_batched_tokens \(?=?(?<tokens>\d+)\)? (?:is smaller than|must be greater than or equal to) (?:max_model_len|max_num_seqs) \(?=?(?<least>\d+)\)?/,
      /max_num_batched_tokens \(?=?\d+\)? (?:is smaller than|must be greater than or equal to)/,
      /Attempted to assign \S.{0,40} multimodal tokens to \d+ placeholders/,
      /Chunked MM input disabled but max_tokens_per_mm_item|increasing max_num_batched_tokens|multimodal .{0,80}exceeds? .{0,40}max_num_batched_tokens/i,
      /'(?:Speculative|Compilation|Parallel|Scheduler|Cache|KVTransfer|StructuredOutputs|LoRA)Config' object has no attribute '(?:get|keys|items|pop)'/,
      /\bmutually exclusive\b|cannot be used together|can(?:not|'t) (?:be set|set both|use both)|must be (?:set|specified|provided|enabled|used) (?:when|to|with|if|for)/,
      /[Gg]pu_?[ _]?memory[ _]utilization must be|GPU memory utilization must be|gpu_memory_utilization.{0,80}(?:less than or equal|greater than)/,
      /Unknown (?:kv cache dtype|load[_ ]format|distributed executor backend|scheduling policy|speculative decoding method|prefix caching hash)|Unrecognized distributed executor backend|Invalid guided_decoding_backend|Load format `?\S+`? is not supported/,
      /num_speculative_tokens.{0,120}(?:must|was provided|to be provided|divisible|larger|cannot)|speculative_\w+.{0,80}(?:must|cannot|required|not)/i,
      /(?:Total|max_lora_rank|max_loras|max_cpu_loras|block_size|swap_space|seed|data_parallel_\w+|api_server_count|tensor_parallel_size|pipeline_parallel_size|num_\w+|enable_\w+|disable_\w+|max_\w+) ?\(?\S{0,20}\)? (?:must|cannot|can't|can only|should) (?:be|not|exceed)/,
      /got an unexpected keyword argument .{0,80}(?:EngineArgs|Config)|(?:EngineArgs|\w+Config)\.__init__\(\) got an unexpected/,
    ],
    detail: ({ tokens, least }) =>
      least === undefined ? null : `--max-num-batched-tokens is ${tokens}, and ${least} are needed`,
    remedy: ({ least }) =>
      least === undefined
        ? null
        : `Set --max-num-batched-tokens ${least} (or more) in the command of the api service, or leave it out.`,
    samples: [
      'ValueError: max_num_batched_tokens (2048) is smaller than max_model_len (32768). This effectively limits the maximum sequence length to max_num_batched_tokens and makes vLLM reject longer sequences.',
      'ValueError: GPU memory utilization must be less than 1.0. Got 1.2.',
      'ValueError: Unknown load_format: gguff',
      'ValueError: attention_backend and attention_config.backend are mutually exclusive',
      "TypeError: EngineArgs.__init__() got an unexpected keyword argument 'foo'",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; pydantic 2',
  },
  {
    id: 'tls_files',
    family: 'vllm',
    code: 'argument_invalid',
    symptom: 'ssl.SSLError while loading certificate and key of the server',
    patterns: [
      /\[SSL\] PEM lib|key values mismatch|SSL: (?:NO_START_LINE|KEY_VALUES_MISMATCH|WRONG_SIGNATURE_TYPE|CA_MD_TOO_WEAK)|load_cert_chain/,
      /(?:ssl_?(?:keyfile|certfile|ca_certs)|--ssl-\w+).{0,120}(?:No such file|not found|doesn't exist|required)/i,
    ],
    remedy: () =>
      'Check the files of --ssl-certfile and --ssl-keyfile: both PEM, readable, and made for each other.',
    samples: [
      'ssl.SSLError: [SSL] PEM lib (_ssl.c:4065)',
      'ssl.SSLError: [SSL: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:4149)',
    ],
    checkedAgainst: 'Python 3.8 to 3.12; uvicorn 0.23 to 0.38',
  },
  {
    id: 'settings_refused',
    knownAs: 'settings_conflict',
    family: 'vllm',
    code: 'argument_invalid',
    generic: true,
    symptom: 'N validation errors for ModelConfig · Value error, …',
    patterns: [
      /\d+ validation errors? for \S*(?:Config|Args)\b/,
      /^Value error, |^Input should be |^Assertion failed, |^Unexpected keyword argument|^Extra inputs are not permitted/,
    ],
    samples: ['pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig'],
    checkedAgainst: 'vLLM 0.6 to 0.32; pydantic 2',
  },
];
