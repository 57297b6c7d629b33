/** A start that fails: where, in which words, with which exit code. */
export interface StartFailure {
  /** `api`: before the engine process exists. `engine`: in it; the API process then adds its secondary message. */
  stage: 'api' | 'engine';
  /** Share of the load time that passes first. */
  after: number;
  /** The end of the traceback; the primary cause. */
  error: string;
  exitCode: number;
}

const api = (error: string): StartFailure => ({ stage: 'api', after: 0.1, error, exitCode: 1 });
const engine = (error: string): StartFailure => ({ stage: 'engine', after: 0.4, error, exitCode: 1 });
const gated = (model: string): string =>
  `OSError: You are trying to access a gated repo.\nMake sure to have access to it at https://huggingface.co/${model}.\n401 Client Error. (Request ID: Root=1-00000000)\n\nCannot access gated repo for url https://huggingface.co/${model}/resolve/main/config.json.\nAccess to model ${model} is restricted. You must have access to it and be authenticated to access it. Please log in.`;

/** What a failure depends on. */
export interface FailureFacts {
  /** The id of the command line. */
  model: string;
  /** Tokens of context that were asked for; null before they are known. */
  maxModelLen: number | null;
  /** Tokens that fit into the memory that is left. */
  fittingTokens: number;
}

/** Failing starts by the short ids of the failure table. Null: these facts do not fail. */
export const START_FAILURES: Readonly<Record<string, (facts: FailureFacts) => StartFailure | null>> = {
  kv_small: ({ maxModelLen, fittingTokens }) =>
    maxModelLen !== null && maxModelLen <= fittingTokens
      ? null
      : engine(
          `ValueError: To serve at least one request with the model's max seq len (${maxModelLen}), (4.0 GiB KV cache is needed, which is larger than the available KV cache memory (1.57 GiB). Based on the available memory, the estimated maximum model length is ${fittingTokens}. Try increasing \`gpu_memory_utilization\` (which also controls CPU memory on the CPU backend) or decreasing \`max_model_len\` when initializing the engine.`,
        ),
  unnamed: () => engine('RuntimeError: the stand-in gave up for a reason of its own'),
  kv_none: () =>
    engine(
      'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.',
    ),
  oom_load: () =>
    engine(
      'torch.OutOfMemoryError: Failed to load model - not enough GPU memory. Try lowering --gpu-memory-utilization to free memory for weights, increasing --tensor-parallel-size, or using --quantization.',
    ),
  cuda_oom: () =>
    engine(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 19.50 GiB of which 1.12 GiB is free.',
    ),
  gpu_busy: () =>
    engine(
      'ValueError: Free memory on device cuda:0 (3.1/19.5 GiB) on startup is less than desired GPU memory utilization (0.9, 17.55 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
    ),
  bf16: () =>
    engine(
      'ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Quadro RTX 6000 GPU has compute capability 7.5. You can use float16 instead by explicitly setting the `dtype` flag in CLI, for example: --dtype=half.',
    ),
  corrupt: () =>
    engine(
      'safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered',
    ),
  disk: () => engine('OSError: [Errno 28] No space left on device'),
  shm: () =>
    engine(
      'RuntimeError: unable to open shared memory object </torch_40_1> in read-write mode: No space left on device (28)',
    ),
  gated: ({ model }) => api(gated(model)),
  repo404: ({ model }) =>
    api(
      `OSError: ${model} is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'\nRepository Not Found for url: https://huggingface.co/api/models/${model}.`,
    ),
  offline: () =>
    api(
      "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the specified revision on the local disk and outgoing traffic has been disabled. To enable repo look-ups and downloads online, pass 'local_files_only=False' as input.",
    ),
  net: () =>
    api(
      'requests.exceptions.ConnectionError: (MaxRetryError("HTTPSConnectionPool(host=\'huggingface.co\', port=443): Max retries exceeded with url: /api/models (Caused by NameResolutionError: Temporary failure in name resolution)"))',
    ),
  arch: () =>
    api(
      "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, Model architectures ['NoSuchForCausalLM'] are not supported for now. Supported architectures: ['LlamaForCausalLM']",
    ),
  trust: ({ model }) =>
    api(
      `ValueError: The repository ${model} contains custom code which must be executed to correctly load the model. Please pass the argument \`trust_remote_code=True\` or use the \`--trust-remote-code\` flag in the CLI.`,
    ),
  no_gpu: () =>
    api(
      'RuntimeError: Failed to infer device type, please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging to help debug the issue.',
    ),
  port: () => api('OSError: [Errno 98] Address already in use'),
};

/** A Python traceback that ends in `error`. */
export function traceback(file: string, error: string): string {
  return `Traceback (most recent call last):\n  File "/usr/local/lib/python3.12/dist-packages/vllm/${file}", line 1489, in run\n    raise error\n${error}`;
}

/** What the API process says after its engine could not start: never the cause. */
export const ENGINE_INIT_FAILED =
  "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}";
