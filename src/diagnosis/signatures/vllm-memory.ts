import type { Signature } from '../types.ts';

const VLLM =
  'vLLM 0.4.3, 0.5.5, 0.6.6, 0.7.3, 0.8.5, 0.9.2, 0.10.2, 0.11.2, 0.13, 0.16, 0.20, 0.24, 0.28, 0.32';

/** With a smaller share of a GPU no model is worth the start. */
const LEAST_SHARE = 0.2;

/** GPU memory, KV cache and main memory: vLLM's own words and torch's. */
export const VLLM_MEMORY_SIGNATURES: readonly Signature[] = [
  {
    id: 'oom_load',
    family: 'vllm',
    code: 'gpu_too_small',
    symptom: 'Failed to load model - not enough GPU memory',
    patterns: [/Failed to load model - not enough GPU memory/],
    samples: [
      'Failed to load model - not enough GPU memory. Try lowering --gpu-memory-utilization to free memory for weights, increasing --tensor-parallel-size, or using --quantization.',
    ],
    checkedAgainst: 'vLLM 0.13 to 0.32',
  },
  {
    id: 'sampler_oom',
    family: 'vllm',
    code: 'gpu_out_of_memory',
    symptom: 'CUDA out of memory occurred when warming up sampler with N dummy requests',
    patterns: [
      /out of memory occurred when warming up (?:sampler|pooler) with (?<requests>\d+) dummy requests/,
    ],
    detail: ({ requests }) =>
      `warming up for ${requests} requests at once needs more memory than the GPU has left`,
    remedy: ({ requests }) =>
      `Set --max-num-seqs below ${requests}, or lower --gpu-memory-utilization a little (both leave more memory for this step).`,
    samples: [
      'RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.',
      'RuntimeError: CUDA out of memory occurred when warming up pooler with 256 dummy requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.',
    ],
    checkedAgainst: 'vLLM 0.8.5 to 0.32',
  },
  {
    id: 'kv_small',
    family: 'vllm',
    code: 'kv_cache_too_small',
    symptom:
      "To serve at least one request with the models's max seq len (N), (N GiB KV cache is needed, which is larger than the available KV cache memory",
    patterns: [
      /max seq len \((?<max_model_len>\d+)\), \((?<needed_gib>[\d.]+) Gi?B KV cache is needed, which is larger than the available KV cache memory \((?<available_gib>[\d.]+) Gi?B\)(?:.{0,200}?estimated maximum model length is (?<estimated_max_model_len>\d+))?/,
      /KV cache is needed, which is larger than the available KV cache memory/,
      /estimated maximum model length is (?<estimated_max_model_len>\d+)/,
    ],
    detail: ({
      max_model_len: length,
      needed_gib: needed,
      available_gib: available,
      estimated_max_model_len: fits,
    }) =>
      length === undefined
        ? `the context is too long for the GPU memory left${fits === undefined ? '' : `; about ${fits} tokens fit`}`
        : `a context of ${length} tokens needs ${needed} GiB of KV cache, and ${available} GiB are left${fits === undefined ? '' : `; about ${fits} tokens fit`}`,
    remedy: ({ estimated_max_model_len: fits }) =>
      fits === undefined || Number(fits) < 1
        ? 'Set --max-model-len lower (or to auto), or raise --gpu-memory-utilization.'
        : `Set --max-model-len ${fits} (or auto) in the command of the api service, or raise --gpu-memory-utilization.`,
    samples: [
      "ValueError: To serve at least one request with the models's max seq len (131072), (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (9.05 GiB). Based on the available memory, the estimated maximum model length is 74128. Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
      "ValueError: To serve at least one request with the models's max seq len (32768), (4.00 GB KV cache is needed, which is larger than the available KV cache memory (1.58 GB). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
    ],
    checkedAgainst: 'vLLM 0.7.3 to 0.32',
  },
  {
    id: 'kv_small_v0',
    family: 'vllm',
    code: 'kv_cache_too_small',
    symptom:
      "The model's max seq len (N) is larger than the maximum number of tokens that can be stored in KV cache (N)",
    patterns: [
      /max seq len \((?<max_model_len>\d+)\) is larger than the maximum number of tokens that can be stored in (?:the )?KV cache \((?<estimated_max_model_len>\d+)\)/,
      /is larger than the maximum number of tokens that can be stored in (?:the )?KV cache/,
    ],
    detail: ({ max_model_len: length, estimated_max_model_len: fits }) =>
      fits === undefined
        ? 'the context is longer than the KV cache'
        : `a context of ${length} tokens is asked for, and ${fits} fit into the KV cache`,
    remedy: ({ estimated_max_model_len: fits }) =>
      fits === undefined || Number(fits) < 1
        ? null
        : `Set --max-model-len ${fits} in the command of the api service, or raise --gpu-memory-utilization.`,
    samples: [
      "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens that can be stored in KV cache (20016). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.10.2 (V0 engine, GPU and CPU)',
  },
  {
    id: 'autofit',
    family: 'vllm',
    code: 'gpu_too_small',
    symptom: 'Cannot auto-fit max_model_len: not enough GPU memory',
    patterns: [/Cannot auto-fit max_model_len/],
    samples: [
      'ValueError: Cannot auto-fit max_model_len: not enough GPU memory available to serve even a single token. Try increasing `gpu_memory_utilization`.',
    ],
    checkedAgainst: 'vLLM 0.14 to 0.32',
  },
  {
    id: 'kv_none',
    family: 'vllm',
    code: 'gpu_too_small',
    symptom: 'No available memory for the cache blocks',
    patterns: [
      /No available memory for the cache blocks(?:.{0,60}?(?<cpu>VLLM_CPU_KVCACHE_SPACE))?/,
      /Available KV cache memory: -[\d.]+ GiB.{0,80}not enough/,
    ],
    remedy: ({ cpu }) =>
      cpu === undefined
        ? null
        : 'Raise VLLM_CPU_KVCACHE_SPACE (GiB) for the api service in the compose file.',
    samples: [
      'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.',
      'ValueError: No available memory for the cache blocks. Try increasing `VLLM_CPU_KVCACHE_SPACE` when initializing the engine.',
    ],
    checkedAgainst: VLLM,
  },
  {
    id: 'gpu_busy',
    family: 'vllm',
    code: 'gpu_memory_busy',
    symptom: 'Free memory on device cuda:0 (N/N GiB) on startup is less than desired GPU memory utilization',
    patterns: [
      /Free memory on device (?:\S+ )?\((?<free_gib>[\d.]+)\/(?<total_gib>[\d.]+) GiB\) on startup is less than desired GPU memory utilization \((?<utilization>[\d.]+), (?<wanted_gib>[\d.]+) GiB\)/,
      /on startup is less than desired GPU memory utilization/,
      // A GPU in exclusive mode that another process has.
      /CUDA-capable device(?:s|\(s\))? (?:is\/)?are busy|cudaErrorDevicesUnavailable/,
    ],
    detail: ({ free_gib: free, total_gib: total, wanted_gib: wanted }) =>
      free === undefined
        ? 'less GPU memory is free than vLLM wants'
        : `${free} of ${total} GiB of the GPU are free, and vLLM wants ${wanted} GiB`,
    remedy: ({ free_gib: free, total_gib: total }) => {
      const share = Math.floor((Number(free) / Number(total)) * 100) / 100;
      return share >= LEAST_SHARE
        ? `Wait for the old container to end; find other users with nvidia-smi and stop them, or set --gpu-memory-utilization ${share}.`
        : null;
    },
    samples: [
      'torch.AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable',
      'ValueError: Free memory on device (31.44/47.38 GiB) on startup is less than desired GPU memory utilization (0.95, 45.01 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
      'ValueError: Free memory on device cuda:0 (1.02/23.68 GiB) on startup is less than desired GPU memory utilization (0.9, 21.31 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
    ],
    checkedAgainst: 'vLLM 0.9.0 to 0.32',
  },
  {
    id: 'profile_race',
    family: 'vllm',
    code: 'gpu_memory_busy',
    symptom: 'Error in memory profiling. Initial free memory N, current free memory N',
    patterns: [/Error in memory profiling\.? {1,2}(?:Initial free memory|This happens when)/],
    remedy: () =>
      'Another process freed or took GPU memory during the start: stop it (nvidia-smi); the start is tried again.',
    samples: [
      'AssertionError: Error in memory profiling. Initial free memory 4.31 GiB, current free memory 8.94 GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling during initialization.',
      'AssertionError: Error in memory profiling. This happens when the GPU memory was not properly cleaned up before initializing the vLLM instance.',
    ],
    checkedAgainst: VLLM,
  },
  {
    id: 'host_memory',
    family: 'vllm',
    code: 'host_memory_too_small',
    symptom:
      "DefaultCPUAllocator: can't allocate memory · Cannot allocate memory · Too large swap space · MemoryError",
    patterns: [
      /DefaultCPUAllocator: (?:can't|not enough) (?:allocate )?memory/,
      /Too large swap space/,
      /^(?!.{0,200}<\/torch_).{0,300}?(?:Cannot allocate memory|\[Errno 12\])|node running low on memory|ray\.exceptions\.OutOfMemoryError|^MemoryError\b|std::bad_alloc/,
      /(?:VLLM_CPU_KVCACHE_SPACE|CPU KV cache).{0,120}(?:exceeds?|larger than|more than|not enough|less than|insufficient)/i,
      /(?:not enough|insufficient) (?:CPU|host|system|available) memory/i,
      /CPU offload .{0,60}(?:exceeds?|not enough)/i,
      /cudaHostAlloc|CUDA error: OS call failed|pinned memory.{0,40}fail/i,
      /Free memory on (?:CPU|NUMA) ?.{0,60}is less than/i,
    ],
    samples: [
      "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 1073741824 bytes. Error code 12 (Cannot allocate memory)",
      'ValueError: Too large swap space. 16.00 GiB out of the 15.61 GiB total CPU memory is allocated for the swap space.',
      'OSError: [Errno 12] Cannot allocate memory',
    ],
    checkedAgainst: `${VLLM}; torch 2.3 to 2.13; Python 3.8 to 3.12`,
  },
  {
    id: 'cuda_oom',
    family: 'vllm',
    code: 'gpu_out_of_memory',
    classWhileReady: 'restart',
    symptom: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate N GiB',
    patterns: [
      /(?:CUDA|HIP|XPU) out of memory(?:\. Tried to allocate (?<wanted>[\d.]+ [KMG]iB))?(?:.{0,60}? has a total capaci?ty of (?<total>[\d.]+ [KMG]iB)(?: of which (?<free>[\d.]+ (?:[KMG]iB|bytes)) is free)?)?(?: \(GPU \d+; (?<total_before>[\d.]+ [KMG]iB) total capacity;(?:.{0,60}?; (?<free_before>[\d.]+ (?:[KMG]iB|bytes)) free)?)?/,
      /(?<!ray\.exceptions\.)\bOutOfMemoryError\b/,
      /(?:CUDA|HIP|cuda)(?: driver| runtime)? error:? (?:\(?2\)?:? ?)?(?:: )?out of memory/i,
      /cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED|hipErrorOutOfMemory/,
      /Triton Error \[(?:CUDA|HIP)\]: out of memory|RESOURCE_EXHAUSTED.{0,80}(?:memory|HBM|device buffer)/i,
      /NVML_SUCCESS == (?:DriverAPI::|r INTERNAL ASSERT FAILED.{0,120}CUDACachingAllocator)/,
    ],
    detail: ({ wanted, total_before, free_before, total = total_before, free = free_before }) =>
      wanted === undefined
        ? 'the GPU has no memory left'
        : `${wanted} more were asked for${total === undefined ? '' : ` of a GPU with ${total}`}${free === undefined ? '' : `, of which ${free} were free`}`,
    samples: [
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 350.00 MiB. GPU 0 has a total capacity of 23.68 GiB of which 212.81 MiB is free. Including non-PyTorch memory, this process has 23.46 GiB memory in use.',
      'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB. GPU',
      'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 MiB (GPU 0; 15.78 GiB total capacity; 14.61 GiB already allocated; 19.44 MiB free; 14.62 GiB reserved in total by PyTorch)',
      'RuntimeError: CUDA error: out of memory',
      'torch.AcceleratorError: CUDA error: out of memory',
      'RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`',
      'RuntimeError: CUDA driver error: out of memory',
    ],
    checkedAgainst: `${VLLM}; torch 2.3 to 2.13`,
  },
];
