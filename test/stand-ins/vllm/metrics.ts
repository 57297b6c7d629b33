/** Counters of a running server. */
export class Metrics {
  promptTokens = 0;
  generationTokens = 0;
  readonly finished: Record<'stop' | 'length' | 'abort' | 'error' | 'repetition', number> = {
    stop: 0,
    length: 0,
    abort: 0,
    error: 0,
    repetition: 0,
  };

  /** Prometheus text with the names and labels of vLLM 0.32 (the ones a supervisor reads). */
  render(modelName: string, running: number, kvUsage: number): string {
    const labels = `engine="0",model_name="${modelName}"`;
    const lines: string[] = [];
    const metric = (name: string, type: string, help: string, values: [string, number][]): void => {
      const base = type === 'counter' ? name.replace(/_total$/, '') : name;
      lines.push(
        `# HELP ${base}${type === 'counter' ? '_total' : ''} ${help}`,
        `# TYPE ${base}${type === 'counter' ? '_total' : ''} ${type}`,
      );
      for (const [more, value] of values) lines.push(`${name}{${labels}${more}} ${value.toFixed(1)}`);
    };
    metric('vllm:num_requests_running', 'gauge', 'Number of requests in model execution batches.', [
      ['', running],
    ]);
    metric('vllm:num_requests_waiting', 'gauge', 'Number of requests waiting to be processed.', [['', 0]]);
    metric('vllm:kv_cache_usage_perc', 'gauge', 'KV-cache usage. 1 means 100 percent usage.', [
      ['', kvUsage],
    ]);
    metric('vllm:num_preemptions_total', 'counter', 'Cumulative number of preemption from the engine.', [
      ['', 0],
    ]);
    metric('vllm:prompt_tokens_total', 'counter', 'Number of prefill tokens processed.', [
      ['', this.promptTokens],
    ]);
    metric('vllm:generation_tokens_total', 'counter', 'Number of generation tokens processed.', [
      ['', this.generationTokens],
    ]);
    metric(
      'vllm:request_success_total',
      'counter',
      'Count of successfully processed requests.',
      Object.entries(this.finished).map(([reason, count]) => [`,finished_reason="${reason}"`, count]),
    );
    return `${lines.join('\n')}\n`;
  }
}
