import type { ProblemRow } from './row.ts';

/** vLLM: what it was asked for, and what it runs on. */
export const VLLM_PROBLEMS = {
  kv_cache_too_small: {
    class: 'fatal',
    title: 'The context of the model needs more GPU memory than is left',
    cause:
      'The KV cache that fits beside the weights is smaller than one request of the full context. The daemon lowers the context by itself where the message names a length that fits.',
    remedy: 'Set --max-model-len in the compose file to a lower number, or use a GPU with more memory.',
  },
  gpu_out_of_memory: {
    class: 'fatal',
    title: 'The memory of the GPU ran out',
    cause:
      'Weights, KV cache and working memory together need more GPU memory than there is, at this length, batch size and utilisation.',
    remedy:
      'Lower --gpu-memory-utilization, --max-num-seqs or --max-model-len, add --enforce-eager, or use a smaller or quantised model.',
  },
  gpu_memory_busy: {
    class: 'transient',
    title: 'The memory of the GPU is in use by another process',
    cause: 'Another program, or an old container that is not yet gone, holds GPU memory that vLLM wants.',
    remedy:
      'Wait for the old container to end; find other users with nvidia-smi and stop them, or lower --gpu-memory-utilization.',
  },
  context_too_long: {
    class: 'fatal',
    title: 'The requested context is longer than the model allows',
    cause: '--max-model-len is larger than what the configuration of the model names.',
    remedy: 'Lower --max-model-len to the limit in the detail, or leave the option out.',
  },
  gpu_too_old: {
    class: 'fatal',
    title: 'The GPU cannot do what is asked of it',
    cause:
      'The data type, the quantisation or the compiled kernels need a newer generation of GPU (a higher compute capability).',
    remedy: 'Use --dtype half or another model format as the detail tells, or a newer GPU.',
  },
  quantization_unsupported: {
    class: 'fatal',
    title: 'The quantisation of the model cannot be used',
    cause:
      'The quantisation method, its settings or its package do not fit this engine, or the --quantization option contradicts the model.',
    remedy:
      'Leave --quantization out so that it is read from the model; else choose another quantisation of the model.',
  },
  parallel_size_invalid: {
    class: 'fatal',
    title: 'The number of GPUs asked for fits neither machine nor model',
    cause:
      'The parallel sizes need more GPUs than there are, or do not divide the heads or layers of the model.',
    remedy:
      'Set --tensor-parallel-size to a number of GPUs that is there and that divides the attention heads of the model.',
  },
  gpu_communication_failed: {
    class: 'restart',
    title: 'The GPUs or engine processes cannot reach each other',
    cause:
      'NCCL, gloo or the connection between processes failed: shared memory, network interface, peer-to-peer access, or a process that is gone.',
    remedy:
      'Give the container ipc: host, check NCCL_SOCKET_IFNAME and nvidia-smi topo -m; NCCL_DEBUG=INFO shows more; NCCL_P2P_DISABLE=1 helps where peer access is broken.',
  },
  shared_memory_too_small: {
    class: 'fatal',
    title: 'The shared memory of the container is too small',
    cause: '/dev/shm of a container is 64 MB unless told otherwise; processes that work together need more.',
    remedy: 'Set ipc: host, or shm_size: 16gb, for the api service in the compose file.',
  },
  argument_invalid: {
    class: 'fatal',
    title: 'The engine refuses its command line or settings',
    cause:
      'An option, a value, an environment variable or a combination of them is not accepted by this version.',
    remedy:
      'Correct what the detail names in the command of the api service; vllm serve --help lists the options of this image.',
  },
  feature_unsupported: {
    class: 'fatal',
    title: 'A feature that is asked for does not work with this model or machine',
    cause: 'The engine cannot do it for this model, GPU, data type or combination of options.',
    remedy: 'Leave out the option that the detail names, or use another image version.',
  },
  compiler_missing: {
    class: 'fatal',
    title: 'The engine needs a compiler that is not there',
    cause: 'Kernels are compiled at start, and gcc, nvcc, ninja or the Python headers are not in the image.',
    remedy: 'Use the official image, add --enforce-eager, or install the tool that is named.',
  },
  compile_failed: {
    class: 'fatal',
    title: 'Compiling the kernels of the model failed',
    cause: 'torch.compile, Triton or another compiler stopped with an error.',
    remedy: 'Add --enforce-eager, clear the compile cache (/root/.cache/vllm), or use another image version.',
  },
  installation_broken: {
    class: 'fatal',
    title: 'The software in the image does not fit together',
    cause: 'A Python package or system library is missing, too old, too new, or built for another version.',
    remedy:
      'Use an unmodified image of one vLLM version; do not mix packages; install what the detail names.',
  },
  host_memory_too_small: {
    class: 'host',
    title: 'The memory of the machine is not enough',
    cause: 'The engine could not get the main memory it asked for (weights, swap space, CPU KV cache).',
    remedy:
      'Give the container or the machine more memory, or lower --swap-space, --cpu-offload-gb or VLLM_CPU_KVCACHE_SPACE.',
  },
  cpu_unsupported: {
    class: 'host',
    title: 'The processor lacks instructions the engine needs',
    cause: 'The engine was built for newer processors (AVX2, AVX-512, or another architecture).',
    remedy: 'Use an image built for this processor, or another machine.',
  },
  engine_dead: {
    class: 'restart',
    title: 'The process that computes has died',
    cause: 'The engine process is gone; the reason is not in this part of the log.',
    remedy:
      'It is restarted by itself; if it comes back, read the log from its start: ai-sandbox logs api --tail 2000.',
  },
  engine_timeout: {
    class: 'restart',
    title: 'A part of the engine did not answer in time',
    cause: 'A step or a start took longer than its limit: a hung GPU, slow storage, or a stuck worker.',
    remedy:
      'It is restarted by itself; if it comes back, check nvidia-smi and the disk; VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS and VLLM_ENGINE_READY_TIMEOUT_S are the limits.',
  },
  ray_failed: {
    class: 'fatal',
    title: 'The Ray cluster cannot do what is asked',
    cause: 'Ray is missing, not reachable, or has fewer GPUs than needed.',
    remedy: 'Check with: ray status; on one machine use --distributed-executor-backend mp.',
  },
  api_key_refused: {
    class: 'fatal',
    title: 'The engine refuses the API key of the daemon',
    cause: 'The key in .env is not the one that the container was started with.',
    remedy: 'Let the api service read VLLM_API_KEY from .env, then: ai-sandbox restart api.',
  },
} as const satisfies Record<string, ProblemRow>;
