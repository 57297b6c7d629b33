import { type LogRecord, record } from './log.ts';

/** A stretch of the engine's start: its share of the load time, then what it prints at its end. */
export interface StartStep {
  share: number;
  records: LogRecord[];
  /** tqdm bars: standard error, `\r` between states, no level and time. */
  bar?: string;
}

/** What the lines of a start depend on. */
export interface StartFacts {
  version: string;
  model: string;
  modelPath: string;
  weightBytes: number;
  shards: number;
  architecture: string;
  maxModelLen: number;
  /** What the model itself allows; differs from `maxModelLen` where `auto` had to cut. */
  derivedMaxModelLen: number;
  auto: boolean;
  eager: boolean;
  /** A filled compile cache was found at /root/.cache/vllm. */
  compiled: boolean;
  compileCache: string;
  loadMs: number;
}

const GIB = 2 ** 30;
/** Tokens the stand-in's KV cache claims to hold. */
const KV_CACHE_TOKENS = 45_056;
const commas = (count: number): string => count.toLocaleString('en-US');

/** What the API process prints before the engine starts (facts: banner and config phases). */
export function bannerRecords(facts: StartFacts, given: Record<string, unknown>): LogRecord[] {
  const shown = Object.entries(given)
    .filter(([name]) => name !== 'api-key' && name !== 'hf-token')
    .map(([name, value]) => `'${name.replaceAll('-', '_')}': ${JSON.stringify(value)}`);
  const records = [
    record('api_utils.py:327', `vLLM server version ${facts.version}, serving model ${facts.model}`),
    record('api_utils.py:286', `non-default args: {${shown.join(', ')}}`),
  ];
  if (facts.modelPath !== facts.model) {
    records.push(
      record(
        'arg_utils.py:917',
        `HF_HUB_OFFLINE is True, replace model_id [${facts.model}] to model_path [${facts.modelPath}]`,
      ),
    );
  }
  return [
    ...records,
    record('model.py:733', `Resolved architecture: ${facts.architecture}`),
    record('model.py:2152', `Using max model len ${facts.derivedMaxModelLen}`),
    record('scheduler.py:226', 'Chunked prefill is enabled with max_num_batched_tokens=2048.'),
    record(
      'importing.py:68',
      'Triton is not installed or not compatible, certain GPU-related functions will not be available.',
      'WARNING',
    ),
  ];
}

/** The engine's own start: weights, compilation (not when eager, hardly any when cached), memory, warm-up. */
export function startSteps(facts: StartFacts): StartStep[] {
  const gib = (facts.weightBytes / GIB).toFixed(2);
  const seconds = (share: number): string => ((facts.loadMs * share) / 1000).toFixed(2);
  const shards = Math.max(facts.shards, 1);
  const bars = Array.from({ length: shards + 1 }, (_, done) => {
    const percent = String(Math.round((done / shards) * 100)).padStart(3);
    return `Loading safetensors checkpoint shards: ${percent}% Completed | ${done}/${shards} [00:00<00:00,  2.10it/s]`;
  });
  const steps: StartStep[] = [
    {
      share: 0.1,
      records: [
        record(
          'core.py:134',
          `Initializing a V1 LLM engine (v${facts.version}) with config: model='${facts.modelPath}', speculative_config=None, tokenizer='${facts.modelPath}', trust_remote_code=False, dtype=torch.bfloat16, max_seq_len=${facts.maxModelLen}, download_dir=None, load_format=auto, tensor_parallel_size=1, enforce_eager=${facts.eager ? 'True' : 'False'}, served_model_name=${facts.model}`,
        ),
        record(
          'system_utils.py:288',
          'Found ulimit of 1024 and failed to automatically increase with error current limit exceeds maximum limit. This can cause fd limit errors like `OSError: [Errno 24] Too many open files`. Consider increasing with ulimit -n',
          'WARNING',
        ),
      ],
    },
    {
      share: 0.2,
      bar: `${bars.join('\r')}\n`,
      records: [record('cpu_model_runner.py:68', `Starting to load model ${facts.modelPath}...`)],
    },
    {
      share: 0.05,
      records: [
        record('default_loader.py:502', `Loading weights took ${seconds(0.2)} seconds`),
        record(
          'gpu_model_runner.py:5150',
          `Model loading took ${gib} GiB memory and ${seconds(0.25)}0000 seconds`,
        ),
      ],
    },
  ];
  if (!facts.eager) steps.push(...compileSteps(facts, seconds));
  const warmUp = facts.eager ? 0.65 : facts.compiled ? 0.25 : 0.15;
  return [...steps, { share: warmUp, records: memoryRecords(facts, seconds(0.65)) }];
}

function compileSteps(facts: StartFacts, seconds: (share: number) => string): StartStep[] {
  const begin = record('cpu_model_runner.py:87', 'Warming up model for the compilation...');
  const cache = record(
    'backends.py:1105',
    `Using cache directory: ${facts.compileCache} for vLLM's torch.compile`,
  );
  const end = record('cpu_model_runner.py:91', 'Warming up done.');
  if (facts.compiled) {
    return [
      { share: 0.02, records: [begin, cache] },
      {
        share: 0.08,
        records: [
          record(
            'backends.py:296',
            'Directly load the compiled graph(s) for compile range (1, 2048) from the cache, took 0.120 s',
          ),
          record('monitor.py:20', 'torch.compile took 0.31 s in total'),
          end,
        ],
      },
    ];
  }
  return [
    { share: 0.02, records: [begin, cache] },
    {
      share: 0.48,
      records: [
        record('backends.py:1165', `Dynamo bytecode transform time: ${seconds(0.1)} s`),
        record('backends.py:399', `Compiling a graph for compile range (1, 2048) takes ${seconds(0.3)} s`),
        record('monitor.py:20', `torch.compile took ${seconds(0.48)} s in total`),
        end,
      ],
    },
  ];
}

function memoryRecords(facts: StartFacts, took: string): LogRecord[] {
  const fits =
    facts.maxModelLen < facts.derivedMaxModelLen
      ? `Auto-fit max_model_len: reduced from ${facts.derivedMaxModelLen} to ${facts.maxModelLen} to fit in available KV cache memory (1.0 GiB CPU)`
      : `Auto-fit max_model_len: full model context length ${facts.maxModelLen} fits in available KV cache memory (1.0 GiB CPU)`;
  const concurrency = (KV_CACHE_TOKENS / facts.maxModelLen).toFixed(2);
  return [
    ...(facts.auto ? [record('kv_cache_utils.py:2469', fits)] : []),
    record(
      'kv_cache_utils.py:2328',
      `CPU KV cache size: ${commas(KV_CACHE_TOKENS)} tokens, Maximum concurrency for ${commas(facts.maxModelLen)} tokens per request: ${concurrency}x`,
    ),
    record('core.py:403', `init engine (profile, create kv cache, warmup model) took ${took} s`),
  ];
}

/** What the API process prints between a ready engine and the first accepted request. */
export function servingRecords(host: string, port: number): LogRecord[] {
  return [
    record('entry.py:140', `Starting vLLM server on http://${host}:${port}`),
    record('launcher.py:174', 'Available routes are:'),
    ...[
      '/health, Methods: GET',
      '/v1/models, Methods: GET',
      '/v1/chat/completions, Methods: POST',
      '/metrics, Methods: GET',
    ].map((route) => record('launcher.py:184', `Route: ${route}`)),
  ];
}
