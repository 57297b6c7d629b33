import type { Signature } from '../types.ts';

/** The model's architecture, configuration, tokenizer and weights. */
export const VLLM_MODEL_SIGNATURES: readonly Signature[] = [
  {
    id: 'trust',
    family: 'vllm',
    code: 'remote_code_refused',
    symptom: 'requires you to execute the configuration file in that repo · set trust_remote_code=True',
    patterns: [
      /requires you to execute the (?:configuration|tokenizer|model|processor)? ?file/i,
      /(?:using|set|pass(?:ing)?|add|setting|with) (?:the )?(?:option |argument )?[`'"]?(?:--)?trust[-_]remote[-_]code(?:=True)?[`'"]?/,
      /contains custom code which must be executed|trust_remote_code=True` to allow custom code/,
    ],
    samples: [
      'ValueError: The repository for org/model contains custom code which must be executed to correctly load the model. You can inspect the repository content at https://hf.co/org/model.',
      'RuntimeError: Failed to load the model config. If the model is a custom model not yet available in the HuggingFace transformers library, consider setting `trust_remote_code=True` in LLM or using the `--trust-remote-code` flag in the CLI.',
      'ValueError: Loading org/model requires you to execute the configuration file in that repo on your local machine. Make sure you have read the code there to avoid malicious use, then set the option `trust_remote_code=True` to remove this error.',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; transformers 4.40 to 5.0',
  },
  {
    id: 'trust_prompt',
    knownAs: 'trust',
    family: 'vllm',
    code: 'remote_code_refused',
    symptom: 'EOFError: EOF when reading a line, in resolve_trust_remote_code',
    // It asks whether the code may run, and nobody is there to answer.
    frames: /dynamic_module_utils\.py in resolve_trust_remote_code/,
    patterns: [/^EOFError: EOF when reading a line/],
    samples: [],
    checkedAgainst: 'transformers 4.36 to 4.57',
  },
  {
    id: 'arch',
    family: 'vllm',
    code: 'architecture_unsupported',
    symptom: 'Model architectures [...] are not supported for now · does not recognize this architecture',
    patterns: [
      /Model architectures? (?<architecture>\[.{1,120}?\]|'[^']{1,80}'|\S+) (?:is|are) not supported/,
      /Model architectures? (?<architecture>\[.{1,120}?\]|\S+) failed to be inspected/,
      /was supported in vLLM until|no longer supported (?:by|in) vLLM/,
      /model type `?'?(?<architecture>[\w.-]+)'?`? but Transformers does not recognize this architecture/,
      /does not recognize this architecture|Transformers does not recognize this (?:architecture|model)/,
      /has no vLLM implementation and the Transformers implementation is not compatible/,
      /Cannot find model module\. '/,
      /^KeyError: '(?:model_type)'$/,
      /Unrecognized model in .{1,200}Should have a `model_type` key/,
      /Unrecognized configuration class .{0,400}/,
      /Unknown gguf model_type|architecture '?\S+'? (?:is )?not (?:yet )?supported|GGUF model with architecture \S+ is not supported/i,
      /No model architectures are specified/,
      /Unsupported (?:model|architecture)(?: type)?:? |model_type \S+ (?:is )?not supported/i,
      /(?:The model|This model|Model|the model) (?:type )?\S{0,80} ?(?:requires|needs) (?:a newer|transformers|vllm)/i,
    ],
    detail: ({ architecture }) =>
      architecture === undefined
        ? 'this version of the engine does not know the architecture of the model'
        : `this version of the engine does not know ${architecture}`,
    remedy: () =>
      'Use an image of a version that knows this model (usually a newer vLLM), or choose another model in MODEL_ID.',
    samples: [
      "ValueError: Model architectures ['Qwen3NextForCausalLM'] are not supported for now. Supported architectures: dict_keys(['AquilaModel'])",
      "ValueError: Model architectures ['Gemma3nForConditionalGeneration'] failed to be inspected. Please check the logs for more details.",
      'ValueError: The checkpoint you are trying to load has model type `gemma3` but Transformers does not recognize this architecture. This could be because of an issue with the checkpoint, or because your version of Transformers is out of date.',
      'ValueError: Unrecognized model in org/x. Should have a `model_type` key in its config.json, or contain one of the following strings in its name: albert, align',
      'pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig   Value error, Model architecture MllamaForConditionalGeneration was supported in vLLM until v0.10.2, and is not supported anymore.',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; transformers 4.40 to 5.0',
  },
  {
    id: 'tokenizer',
    family: 'vllm',
    code: 'tokenizer_unusable',
    symptom: "Failed to load the tokenizer · Can't load tokenizer for",
    patterns: [
      /Failed to load the tokenizer/,
      /Can't load (?:the )?(?:fast |slow )?(?:tokenizer|processor|image processor|feature extractor) for/,
      /(?:Processor|Tokenizer) was not found, please check/,
      /argument '\w+': '\w+' object cannot be converted to 'Py|TextEncodeInput must be/,
      /Couldn't instantiate the backend tokenizer|Cannot use the fast tokenizer in slow tokenizer mode|Unable to load vocabulary from file/,
      /Tokenizer class (?<name>\S+) does not exist or is not currently imported/,
      /(?:requires|need(?:s)?|install) (?:the )?[`']?(?:sentencepiece|SentencePiece|tiktoken|blobfile|protobuf|mistral[-_]common)[`']?(?: library| package)?/,
      /(?:sentencepiece|tiktoken|mistral[-_]common|tekken).{0,80}(?:not (?:found|installed)|is required|No such file|invalid)/i,
      /data did not match any variant of untagged enum (?:ModelWrapper|PyPreTokenizerTypeWrapper|PyNormalizerTypeWrapper|\w+)/,
      /Found \d+ files matching the pattern|Make sure that a Mistral tokenizer is present|No (?:valid )?tokenizer file found in (?:the )?(?:directory|repo)|No tokenizer registered for|^ValueError: Unknown version: v\d+ in |Make sure only one Mistral tokenizer/,
      /invalid tiktoken vocab file|Unsupported tokenizer|Unknown tokenizer (?:type|mode)|Tokenizer \S+ not found|is not a (?:valid )?tokenizer/,
      /Error while (?:loading|initializing) (?:BPE|the tokenizer)|Error parsing line .{0,80}tokenizer|vocab_file|Internal: .{0,120}(?:ParseFromArray|sentencepiece_processor)/,
      /^(?:TypeError|AttributeError): .{0,80}(?:Tokenizer|tokenizer)\S{0,60}.{0,200}/,
    ],
    samples: [
      'RuntimeError: Failed to load the tokenizer. If the tokenizer is a custom tokenizer not yet available in the HuggingFace transformers library, consider ...',
      "OSError: Can't load tokenizer for '/models/x'. If you were trying to load it from 'https://huggingface.co/models', make sure you don't have a local directory with the same name.",
      'ValueError: Tokenizer class TokenizersBackend does not exist or is not currently imported.',
      "ValueError: Couldn't instantiate the backend tokenizer from one of: (1) a `tokenizers` library serialization file, (2) a slow tokenizer instance to convert or (3) an equivalent slow tokenizer class to instantiate and convert. You need to have sentencepiece or tiktoken installed to convert a slow tokenizer to a fast one.",
      'Exception: data did not match any variant of untagged enum ModelWrapper at line 757479 column 3',
      "AttributeError: Qwen2Tokenizer has no attribute all_special_tokens_extended. Did you mean: 'num_special_tokens_to_add'?",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; transformers 4.40 to 5.0; tokenizers 0.15 to 0.22',
  },
  {
    id: 'noweights',
    family: 'vllm',
    code: 'model_without_weights',
    symptom: 'Cannot find any model weights with · Weight files referenced in index but missing',
    patterns: [
      /Cannot find any (?:safetensors )?model weights|No model weights found in/,
      /(?<shard>Weight files? referenced in (?:the )?index but missing)|Missing (?:weight )?shard|missing .{0,40}safetensors (?:files?|shards?)/i,
      /no file named (?:model\.safetensors|pytorch_model\.bin)/,
      /Could not find checkpoint files|Cannot find (?:any )?(?:safetensors|weights|gguf)/i,
    ],
    remedy: ({ shard }) =>
      shard === undefined
        ? null
        : 'Fetch the model again, a part of it is not there: ai-sandbox model retry.',
    samples: [
      'RuntimeError: Cannot find any model weights with `/models/x`',
      'ValueError: Weight files referenced in index but missing: model-00002-of-00003.safetensors',
      'OSError: Error no file named model.safetensors, or pytorch_model.bin, found in directory /models/x.',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; transformers 4.40 to 5.0',
  },
  {
    id: 'corrupt',
    family: 'vllm',
    code: 'model_file_corrupt',
    symptom: 'SafetensorError: Error while deserializing header: HeaderTooLarge · MetadataIncompleteBuffer',
    patterns: [
      /Error while deserializing(?: header)?(?:: (?<reason>\w+))?/,
      /SafetensorError|MetadataIncompleteBuffer|HeaderTooLarge|HeaderTooSmall|InvalidHeaderDeserialization|InvalidHeaderLength|incomplete metadata, file not fully covered/,
      /PytorchStreamReader failed|unexpected EOF, expected \d+ more bytes|failed finding central directory|invalid magic number; corrupt file/,
      /UnpicklingError|BadZipFile|file (?:is )?(?:corrupt|truncated)|corrupted (?:file|archive|checkpoint)/i,
      /The file size different is more than 1%/,
      /(?:GGUF magic invalid|Invalid GGUF|gguf.{0,40}(?:magic|truncated|invalid header))/i,
      /Value error, Expecting value: line \d+ column \d+|^json\.decoder\.JSONDecodeError|^(?:\w+\.)*JSONDecodeError|looks like the config file at '(?<file>[^']{1,300})' is not a valid JSON|is not a valid JSON file/,
      /you may have git-lfs|install git-lfs/i,
    ],
    samples: [
      'safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge',
      'safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer',
      'safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered',
      'RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory',
      "OSError: It looks like the config file at '/models/x/config.json' is not a valid JSON file.",
      'json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)',
    ],
    checkedAgainst: 'safetensors 0.3 to 0.7; torch 2.3 to 2.13; vLLM 0.4.3 to 0.32; transformers 4.40 to 5.0',
  },
  {
    id: 'weights',
    family: 'vllm',
    code: 'weights_mismatch',
    symptom:
      "KeyError: 'layers.0.mlp…weight' while loading · Attempted to load weight into parameter · size mismatch for",
    patterns: [
      /Following weights were not initialized? +from checkpoint/,
      /Tried to load weights? of size|failed to map GGUF parameters|shape mismatch between model and checkpoint|\bweights are not initialized from checkpoints?:|^(?:\w+Error: )?Missing keys \(|^AssertionError: assert .{0,60}loaded_weight\.shape/,
      /Attempted to load weight \(|size mismatch for \S+|Parameter \S+ not found in the model|Missing keys .{0,80} in loaded state/,
      /Unexpected weight\b|Cannot use `*weights_only=True|There is no module or parameter named|Unexpected key\(s\) in state_dict|Error\(s\) in loading state_dict/,
      /^KeyError: ['"](?![\w.]*\.attn['"])(?:model\.|transformer\.|lm_head|language_model|layers?\.|h\.|encoder\.|decoder\.|visual|vision|backbone|mlp|mtp|embed)[\w.]*['"]/,
      /^KeyError: ['"][\w.]+\.(?:weight|bias|qweight|qzeros|scales|weight_scale(?:_inv)?|weight_packed|w13_\w+|w2_\w+|g_idx|absmax|quant_map)(?:\.\w+)*['"]/,
      // The same as vLLM's logger prints it: the words of an error without its name.
      /^'[\w.]+\.(?:weight|bias|qweight|qzeros|scales|weight_scale(?:_inv)?|g_idx|absmax|quant_map)(?:\.\w+)*'$/,
      /start \(\d+\) \+ length \(\d+\) exceeds dimension size|The size of tensor a \(\d+\) must match the size of tensor b/,
      /Trying to (?:load|initialize) .{0,80}(?:shape|size).{0,60}(?:mismatch|differ)/i,
    ],
    samples: [
      "KeyError: 'layers.0.mlp.gate_up_proj.g_idx'",
      "ValueError: Following weights were not initialized from checkpoint: {'lm_head.weight'}",
      'AssertionError: Attempted to load weight (torch.Size([2048, 1])) into parameter (torch.Size([4096]))',
      "ValueError: There is no module or parameter named 'model.embed_tokens.absmax' in Qwen3ForCausalLM",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; torch 2.3 to 2.13',
  },
  {
    id: 'quantization',
    family: 'vllm',
    code: 'quantization_unsupported',
    symptom:
      'The quantization method X is not supported for the current GPU · Quantization method specified in the model config does not match',
    patterns: [
      /quantization method (?<method>\S+)(?: \+ \w+)? is not supported for the current GPU\. Minimum capability: (?<minimum>\d+)\. Current capability: (?<current>\d+)/,
      /Quantization method specified in the model config \((?<method>[\w-]+)\) does not match the quantization method specified in the `?quantization`? argument \((?<argument>[\w-]+)\)/,
      /Unknown quantization method|Invalid quantization method|Unknown ModelOpt quant algo|Unsupported quantization (?:config|method|type|scheme)/,
      /(?:is not supported|not supported) for quantization method|quantization is currently not supported in/,
      /quantization (?:method )?\S{0,40} ?(?:is|are) (?:only supported|not supported|currently not)|does not support \S+ quantization|does not support BitsAndBytes/i,
      /Cannot find the config file for (?:awq|gptq|\w+)$|Found multiple config files for/,
      /(?:requires|does not support).{0,40}(?:weight_bits|group_size|is_sym|num_bits|quant_type)/,
      /No compressed-tensors compatible scheme was found|requires consistent quant config|vLLM requires all to use the same scheme|Found a different quantization schemes?|Detected some but not all shards of \S+ are quantized|shards of fused layers/,
      /(?:bitsandbytes|auto_gptq|autoawq|torchao|deepspeed|bitblas|amd-quark|gptqmodel|compressed[-_]tensors) version is wrong|Please install (?:bitsandbytes|torchao|deepspeed|bitblas|gptqmodel|auto-?awq)|No package metadata was found for (?:bitsandbytes|compressed)/,
      /Current platform does not support NVFP4|MXFP4 (?:are|is) not supported|FP8 (?:is|quantization is) not supported|NVFP4 .{0,60}(?:not support|requires)|mxfp4.{0,80}not support/i,
      /fp8e4nv not supported in this architecture/,
      /(?:AWQ|GPTQ|Marlin|marlin|Quark|QQQ|HQQ|BitBLAS|Machete|fp8|FP8|GGUF|ModelOpt).{0,60}(?:does not support|not supported|only supports?|is not supported|currently only)/,
      /Failed to find a kernel that can implement|No \S{1,20} MoE backend supports|No (?:supported |valid )?(?:kernel|backend|MoE backend)s? (?:was |were )?found for.{0,60}(?:quant|fp8|fp4|MoE)/i,
      /Cannot find any of \[.{1,200}\] in the model's quantization config|Invalid thread config: thread_m_blocks|must implement the 'embedding' method/,
      /Unable to find a tuned kernel|cutlass_scaled_mm|Error Internal.{0,40}scaled_mm|No compiled (?:cutlass_scaled_mm|nvfp4|\w+mm\w*) for/,
    ],
    detail: ({ method, minimum, current, argument }) => {
      if (minimum !== undefined)
        return `${method} needs compute capability ${minimum}, and this GPU has ${current}`;
      if (argument !== undefined)
        return `the model is quantised with ${method}, and --quantization says ${argument}`;
      return 'the quantisation of the model does not fit this engine or GPU';
    },
    remedy: ({ minimum, argument }) => {
      if (minimum !== undefined)
        return 'Choose another quantisation of the model (AWQ, GPTQ) or a newer GPU.';
      return argument === undefined ? null : 'Leave --quantization out: it is read from the model.';
    },
    samples: [
      'ValueError: The quantization method fp8 is not supported for the current GPU. Minimum capability: 89. Current capability: 75.',
      'ValueError: Quantization method specified in the model config (gptq) does not match the quantization method specified in the `quantization` argument (awq).',
      "ValueError: Unknown quantization method: int4. Must be one of ['aqlm', 'awq'].",
      'ValueError: torch.bfloat16 is not supported for quantization method awq. Supported dtypes: [torch.float16]',
      'ImportError: Please install bitsandbytes>=0.46.1 via `pip install bitsandbytes>=0.46.1` to use bitsandbytes quantizer.',
      "ValueError(\"type fp8e4nv not supported in this architecture. The supported fp8 dtypes are ('fp8e4b15', 'fp8e5')\")",
      'ValueError: Cannot find the config file for awq',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; triton 2.3 to 3.5',
  },
  {
    id: 'model_config',
    family: 'vllm',
    code: 'model_config_invalid',
    symptom: 'rope_scaling must have… · Unknown RoPE scaling type · Could not detect config format',
    patterns: [
      /rope_(?:scaling|parameters|type|theta)\b.{0,200}(?:must|should|missing|invalid|unknown|required|expected|not)|Unknown RoPE scaling type|^KeyError: '(?:rope_type|type|factor|original_max_position_embeddings|mrope_section|low_freq_factor)'/i,
      /Could not detect config format|Unknown config format|Unsupported config format|No supported config format found|Failed to load mistral '?\w*'? config/,
      /Unknown (?:or unsupported )?dtype|(?:[Ii]nvalid|[Uu]nknown|[Uu]nsupported) `?torch_dtype|`?torch_dtype`? (?:must|should|of|is not)|does not support float16\. Reason|Unsupported dtype/,
      // The engine's own settings are objects of this kind as well: one that lacks an attribute is a bug.
      /'(?!(?:Vllm|Model|Parallel|Cache|Scheduler|Compilation|LoRA|Speculative|Device|Load|Attention|Kernel|Observability|Decoding|Pooler|Profiler|ECTransfer|KV\w{2,12}|Structured\w{2,12}|MultiModal|PromptAdapter|TokenizerPool)Config')\w+Config' object has no attribute|assert ["']factor["'] in rope_scaling|Invalid rope|Couldn't determine number of kv heads/,
      /Failed to load the (?:model )?config\b|Invalid type of HuggingFace (?:config|processor)/,
      /hidden(?:_| )size.{0,80}(?:divisible|multiple)|head_dim.{0,60}(?:must|invalid)/i,
      /StrictDataclass\w+Error|Class validation error for validator|Field validation error|Validation error for field/,
    ],
    samples: [
      "ValueError: rope_scaling must have a 'type' or 'rope_type' key.",
      "ValueError: `rope_scaling` must be a dictionary with two fields, `type` and `factor`, got {'factor': 8.0, 'rope_type': 'llama3'}",
      "ValueError: Could not detect config format for no config file found. With config_format 'auto', ensure your model has either config.json (HF format) or params.json (Mistral format).",
      "AttributeError: 'LlamaConfig' object has no attribute 'rope_parameters'",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; transformers 4.40 to 5.0',
  },
];
