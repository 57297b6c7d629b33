/** What moves in a working engine, summed over its parts. A counter that the text does not have is null. */
export interface EngineCounters {
  promptTokens: number | null;
  generationTokens: number | null;
  preemptions: number | null;
  /** Share of the KV cache in use; with a long prompt it rises step by step before any token is counted. */
  kvCacheUsage: number | null;
  running: number | null;
  waiting: number | null;
}

/**
 * Names by version of vLLM, the newest first (v1/metrics/loggers.py; gpu_cache_usage_perc until 0.11). The text may carry
 * counters with or without `_total`.
 */
const NAMES: Readonly<Record<keyof EngineCounters, readonly string[]>> = {
  promptTokens: ['vllm:prompt_tokens_total', 'vllm:prompt_tokens'],
  generationTokens: ['vllm:generation_tokens_total', 'vllm:generation_tokens'],
  preemptions: ['vllm:num_preemptions_total', 'vllm:num_preemptions'],
  kvCacheUsage: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
  running: ['vllm:num_requests_running'],
  waiting: ['vllm:num_requests_waiting'],
};

/** One sample of the Prometheus text format: name, labels, value. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{[^}]*\})?[ \t]+(\S+)/;

/** Reads the text of `/metrics`. */
export function readCounters(text: string): EngineCounters {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('vllm:')) continue;
    const sample = SAMPLE.exec(line);
    const value = Number(sample?.[2]);
    if (sample?.[1] === undefined || !Number.isFinite(value)) continue;
    sums.set(sample[1], (sums.get(sample[1]) ?? 0) + value);
  }
  const of = (counter: keyof EngineCounters): number | null => {
    const name = NAMES[counter].find((candidate) => sums.has(candidate));
    return name === undefined ? null : (sums.get(name) ?? null);
  };
  return {
    promptTokens: of('promptTokens'),
    generationTokens: of('generationTokens'),
    preemptions: of('preemptions'),
    kvCacheUsage: of('kvCacheUsage'),
    running: of('running'),
    waiting: of('waiting'),
  };
}

/**
 * Whether the engine did anything between two looks: all of these are told by the engine process itself, so that a stopped
 * one moves none. Requests that end are no sign: the server counts those that a client gave up without asking the engine.
 */
export function hasMoved(before: EngineCounters, after: EngineCounters): boolean {
  const telling = ['promptTokens', 'generationTokens', 'preemptions', 'kvCacheUsage'] as const;
  return telling.some((counter) => after[counter] !== null && before[counter] !== after[counter]);
}
