import type { Signature } from '../types.ts';

/** The largest number up to `limit` that divides `whole`. */
function largestDivisor(whole: number, limit: number): number {
  for (let part = Math.min(whole, limit); part > 1; part--) if (whole % part === 0) return part;
  return 1;
}

/** How many GPUs, on how many machines. */
export const VLLM_PARALLEL_SIGNATURES: readonly Signature[] = [
  {
    id: 'gpus_too_few',
    family: 'vllm',
    code: 'parallel_size_invalid',
    symptom: 'World size (N) is larger than the number of available GPUs (N)',
    patterns: [
      /World size \((?<world>\d+)\) is larger than the number of available (?:GPUs|devices) \((?<gpus>\d+)\)/,
      /[Tt]ensor parallel size \((?<world>\d+)\) cannot be larger than the number of available (?:GPUs|devices) \((?<gpus>\d+)\)/,
      /local rank (?<rank>\d+)? ?(?:is )?out of bounds(?! for 0 devices)(?: for (?<gpus>\d+) devices)?|local_rank ?(?:\(?\d+\)?)? ?(?:is )?out of (?:bounds|range)/i,
      /(?:please set tensor_parallel_size|please ensure that world_size)(?: \(\d+\))? (?:to|is) less than(?: than)? max local gpu count/,
      /world_size \(\d+\) is not equal to tensor_model_parallel_size/,
      /local_world_size .{0,40}must be less than or equal to the number of visible devices/,
      /device >= 0 && device < num_gpus/,
      /CUDA error: invalid device ordinal|cudaErrorInvalidDevice\b|Invalid device id|invalid device ordinal/,
      /number of required \w+ exceeds the total number of available \w+ in the (?:placement group|cluster)/,
      /Tensor parallel size may exceed available GPUs/i,
      /(?:Not enough|Insufficient) (?:GPUs|devices|resources to (?:allocate|launch|create))/i,
      /Requires? at least \d+ GPUs|(?:GPU|device)s? (?:are )?required,? but (?:only )?\d+ (?:are )?(?:available|found)/i,
    ],
    detail: ({ world, gpus }) =>
      world === undefined
        ? 'more GPUs are asked for than the container sees'
        : `${world} GPUs are asked for, and the container sees ${gpus}`,
    remedy: ({ gpus }) =>
      gpus === undefined || gpus === '0'
        ? 'Lower --tensor-parallel-size to the number of GPUs, or give the container all of them.'
        : `Set --tensor-parallel-size ${gpus}, or give the container more GPUs.`,
    samples: [
      'ValueError: World size (4) is larger than the number of available GPUs (1) in this node. If this is intentional and you are using:',
      'ValueError: Tensor parallel size (2) cannot be larger than the number of available GPUs (1).',
      'AssertionError: DP adjusted local rank 2 is out of bounds. ',
      'AssertionError: please set tensor_parallel_size (4) to less than max local gpu count (2)',
      'RuntimeError: CUDA error: invalid device ordinal',
      'ValueError: The number of required GPUs exceeds the total number of available GPUs in the placement group.',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; torch 2.3 to 2.13',
  },
  {
    id: 'shape_of_kernel',
    family: 'vllm',
    code: 'quantization_unsupported',
    oneGpu: true,
    symptom: 'is not divisible by min_thread_k, with one GPU',
    patterns: [
      /(?<size>\d+)\s+is not divisible by\s+(?:weight quantization )?(?<what>min_thread_[nk]|tile_[nk]_size|block_?[nk]|group_size) = (?<unit>\d+)/,
    ],
    detail: ({ size, unit }) =>
      `the fast kernel for this quantisation needs layers whose size is a multiple of ${unit}, and the model has one of ${size}`,
    remedy: () =>
      'Add --quantization gptq (or awq, as the model is quantised) for the kernel without this limit, or choose another quantisation of the model.',
    samples: [],
    checkedAgainst: 'vLLM 0.4.3 to 0.32 (quantization/utils/marlin_utils.py, fp8.py)',
  },
  {
    id: 'heads_not_divisible',
    family: 'vllm',
    code: 'parallel_size_invalid',
    symptom: 'Total number of attention heads (N) must be divisible by tensor parallel size (N)',
    patterns: [
      /(?:Total )?number of attention heads \((?<heads>\d+)\) must be divisible by tensor parallel size \((?<size>\d+)\)/i,
      /(?:must be|is not|not|be evenly) divisible by (?:the )?(?:tensor|pipeline|world|tp|pp|data)[ _](?:model )?(?:parallel )?size/i,
      /not divisible by (?:tp_size|weight quantization block|min_thread_[nk]|tile_[nk]_size|group_size).{0,160}/,
      /too large tensor parallel size|[Cc]onsider reducing tensor_parallel_size/,
      /^(?:AssertionError: )?\d+ (?:is not divisible|cannot be divided) by \d+(?:$| \[repeated)/,
      /^AssertionError: assert .{0,80}% \S*(?:tp|tensor|world|parallel)_?\w*(?:size|world)\S* == 0/,
      /(?<pipeline>[Pp]ipeline parallelism is (?:not|only) supported)/,
      /Total number of hidden layers .{0,40}must be divisible/,
    ],
    detail: ({ heads, size }) =>
      heads === undefined
        ? 'the model cannot be cut into that many parts, or not in this way'
        : `the model has ${heads} attention heads, which ${size} GPUs cannot share evenly`,
    remedy: ({ heads, size, pipeline }) =>
      pipeline !== undefined
        ? 'Leave --pipeline-parallel-size out of the command of the api service, and use --tensor-parallel-size.'
        : heads === undefined || size === undefined
          ? null
          : `Set --tensor-parallel-size ${largestDivisor(Number(heads), Number(size))} in the command of the api service.`,
    samples: [
      'ValueError: Total number of attention heads (14) must be divisible by tensor parallel size (4).',
      'AssertionError: 151936 is not divisible by 3',
      'AssertionError: assert self.total_num_kv_heads % tp_size == 0',
      'ValueError: Weight input_size_per_partition = 10944 is not divisible by min_thread_k = 128. Consider reducing tensor_parallel_size or running with --quantization gptq.',
      "ValueError: The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n = 128.",
      'NotImplementedError: Pipeline parallelism is not supported for this model. Supported models implement the `SupportsPP` interface.',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32',
  },
  {
    id: 'ray',
    family: 'vllm',
    code: 'ray_failed',
    symptom:
      'Ray is not installed · Cannot provide a placement group · Could not find any running Ray instance',
    patterns: [
      /Cannot provide a placement group|Placement group bundle cannot have|placement group .{0,120}(?:timed? ?out|infeasible|cannot be (?:created|scheduled))/i,
      /Unable to load Ray|Failed to import Ray|Ray is not installed|Ray version \S+ (?:or greater )?is required|requires? `?ray`?/i,
      /Current node has no \w+ available/,
      /driver node id \w+ is not included in a placement group|Ray does not allocate any GPUs on the driver node/,
      /Could not find any running Ray instance|Failed to connect to (?:the )?(?:Ray|GCS)|Ray Client .{0,40}fail|Can't find a `node_ip_address\.json`|ray client connection timeout|\[RayletClient\] Unable to register worker/i,
      /ray\.exceptions\.(?:RaySystemError|OwnerDiedError|RuntimeEnvSetupError|OutOfMemoryError)|raylet(?!.{0,60}[Aa] worker died).{0,80}(?:died|crash|exit)/,
      /Every node should have a unique IP address|current platform \S+ does not support ray/,
      /Ray Compiled Graph is not installed|cupy is not installed but required/,
      /session_name .{0,80}does not match|Version mismatch: The cluster was started with/,
    ],
    samples: [
      "ValueError: Cannot provide a placement group of placement_group_specs=[{'node:10.0.0.2': 0.001, 'GPU': 1.0}] within 1800 seconds. See `ray status` and `ray list nodes` to make sure the cluster has enough resources.",
      'ImportError: Ray is not installed. Please install Ray to use multi-node serving.',
      "ValueError: Current node has no GPU available. current_node_resource={'CPU': 8.0}. vLLM engine cannot start without GPU. Make sure you have at least 1 GPU available in a node current_node_id='x'.",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; Ray 2.9 to 2.49',
  },
  {
    id: 'ray_actor',
    family: 'vllm',
    code: 'ray_failed',
    class: 'restart',
    strength: 'weak',
    symptom: 'ray.exceptions.ActorDiedError · The actor died unexpectedly before finishing this task',
    patterns: [
      /ray\.exceptions\.(?:Ray)?(?:ActorDiedError(?!.{0,60}because of an error raised)|ActorUnavailableError|WorkerCrashedError|NodeDiedError)/,
      /The actor died unexpectedly/,
      /A worker died or was killed while executing a task by an unexpected system error/,
    ],
    remedy: () =>
      'A Ray worker died: read its own log (ray logs), look for OOM kills, and check: ray status.',
    samples: ['ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.'],
    checkedAgainst: 'Ray 2.9 to 2.49',
  },
];
