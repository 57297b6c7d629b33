/** One GPU as far as a model depends on it. */
export interface GpuMemory {
  name: string | null;
  /** Memory of the whole card. */
  memoryBytes: number | null;
  /** `8.9`; null where the driver does not tell. */
  computeCapability: string | null;
  /** `580.95.05`; absent or null where there is no driver yet. */
  driverVersion?: string | null;
}

/** What a plan of the cloud offers, for the advice to take another one. */
export interface PlanMemory {
  id: string;
  gpuModel: string;
  gpuCount: number;
  /** Nominal memory of one card; its driver keeps some per cent of it. */
  gpuMemoryBytes: number;
  computeCapability: string;
}

/** What the command of the `api` service says about memory and formats; the options are those of `vllm serve`. */
export interface EngineOptions {
  /** Version of vLLM by the tag of its image; null where the tag is none. */
  version: { major: number; minor: number } | null;
  /** Oldest major driver version that the image runs with; null where that is not known. */
  minimumDriver: number | null;
  /** The service asks for GPUs. */
  wantsGpu: boolean;
  /** `--dtype`. */
  dtype: string;
  /** `--quantization`; null lets the model decide. */
  quantization: string | null;
  /** `--kv-cache-dtype`. */
  kvCacheDtype: string;
  /** `--tensor-parallel-size`. */
  tensorParallel: number;
  /** `--pipeline-parallel-size`. */
  pipelineParallel: number;
  /** `--gpu-memory-utilization`; null for the default of the version. */
  memoryUtilization: number | null;
  /** `--max-model-len`; null for `auto`, or where it is not given. */
  maxModelLen: number | null;
  /** `--max-model-len` is not given: the whole context of the model has to fit. */
  wholeContext: boolean;
  /** `--max-num-batched-tokens`; null for the default. */
  maxBatchedTokens: number | null;
  /** `--cpu-offload-gb`, in bytes for each GPU. */
  cpuOffloadBytes: number;
  /** `--kv-cache-memory-bytes` or `VLLM_CPU_KVCACHE_SPACE`; null where the engine decides. */
  kvCacheBytes: number | null;
  trustRemoteCode: boolean;
  /** `--chat-template` is given. */
  chatTemplate: boolean;
}

/** What `vllm serve MODEL --max-model-len auto` means on a machine with a GPU. */
export const DEFAULT_ENGINE_OPTIONS: EngineOptions = {
  version: null,
  minimumDriver: null,
  wantsGpu: true,
  dtype: 'auto',
  quantization: null,
  kvCacheDtype: 'auto',
  tensorParallel: 1,
  pipelineParallel: 1,
  memoryUtilization: null,
  maxModelLen: null,
  wholeContext: false,
  maxBatchedTokens: null,
  cpuOffloadBytes: 0,
  kvCacheBytes: null,
  trustRemoteCode: false,
  chatTemplate: false,
};

/** Bytes that something else will still write. */
export interface SpaceClaim {
  /** A directory on the file system it will be written to. */
  directory: string;
  bytes: number;
  /** For the message: `the image vllm/vllm-openai:v0.32.0`. */
  what: string;
}

/** What surrounds a model: the machine and the engine that will load it. */
export interface Surroundings {
  /** Null while nothing is known of them; empty on a machine without. */
  gpus: readonly GpuMemory[] | null;
  /** Memory of the machine, or of the container where it is limited; null while it is not known. */
  ramBytes: number | null;
  engine: EngineOptions;
  /** What else is still to come onto the disks of this machine. */
  claims: readonly SpaceClaim[];
  plans: readonly PlanMemory[];
}

/** Nothing is known: no check of memory is made. */
export const UNKNOWN_SURROUNDINGS: Surroundings = {
  gpus: null,
  ramBytes: null,
  engine: DEFAULT_ENGINE_OPTIONS,
  claims: [],
  plans: [],
};
