/** Names (without `--`) of options of `vllm serve` 0.32 that take one value. */
const ONE_VALUE: ReadonlySet<string> = new Set(
  `attention-backend block-size chat-template chat-template-content-format code-revision compilation-config config
  config-format cpu-offload-gb data-parallel-size distributed-executor-backend download-dir dtype generation-config
  gpu-memory-utilization hf-config-path hf-overrides hf-token host kv-cache-dtype kv-cache-memory-bytes
  kv-offloading-size kv-transfer-config limit-mm-per-prompt load-format log-config-file log-level max-logprobs
  max-lora-rank max-loras max-model-len max-num-batched-tokens max-num-seqs
  mm-processor-kwargs model model-impl model-loader-extra-config num-gpu-blocks-override optimization-level
  otlp-traces-endpoint override-generation-config performance-mode pipeline-parallel-size port quantization
  reasoning-parser response-role revision root-path runner safetensors-load-strategy scheduling-policy seed
  show-hidden-metrics-for-version shutdown-timeout speculative-config ssl-ca-certs ssl-certfile ssl-keyfile
  stream-interval structured-outputs-config tensor-parallel-size tokenizer tokenizer-mode tokenizer-revision
  tool-call-parser tool-parser-plugin uds uvicorn-log-level`.split(/\s+/),
);
/** Options that take one or more values. */
const MANY_VALUES: ReadonlySet<string> = new Set([
  'allowed-headers',
  'allowed-methods',
  'allowed-origins',
  'api-key',
  'ignore-patterns',
  'lora-modules',
  'middleware',
  'served-model-name',
]);
/** Switches; each also exists as `--no-…`. */
const SWITCHES: ReadonlySet<string> = new Set(
  `allow-credentials async-scheduling disable-cascade-attn disable-custom-all-reduce disable-fastapi-docs
  disable-hybrid-kv-cache-manager disable-log-stats disable-sliding-window disable-uvicorn-access-log
  enable-auto-tool-choice enable-chunked-prefill enable-expert-parallel enable-force-include-usage
  enable-log-outputs enable-log-requests enable-lora enable-prefix-caching enable-prompt-tokens-details
  enable-request-id-headers enable-server-load-tracking enable-sleep-mode enforce-eager
  return-tokens-as-token-ids skip-tokenizer-init tokens-only trust-remote-code use-tqdm-on-load`.split(/\s+/),
);

/** What the stand-in heeds of a command line; everything else is accepted and ignored. */
export interface ServeArguments {
  model: string;
  servedModelNames: string[];
  host: string;
  port: number;
  /** Null: not given. -1: `auto`. */
  maxModelLen: number | null;
  apiKeys: string[];
  shutdownTimeoutSeconds: number;
  accessLog: boolean;
  eager: boolean;
  chatTemplate: string | null;
  /** What was given, for the `non-default args` line. */
  given: Record<string, string | boolean | string[]>;
}

/** What argparse prints before it exits with code 2. */
export interface UsageError {
  usage: string;
}

const usageError = (message: string): UsageError => ({
  usage: `usage: vllm serve [model_tag] [options]\nvllm serve: error: ${message}`,
});

/** `2048`, `2k` (2000), `2K` (2048), `25.6k`, `auto` or `-1`; null for anything else. */
function parseModelLength(text: string): number | null {
  if (text === '-1' || text.toLowerCase() === 'auto') return -1;
  const match = /^(\d+(?:\.\d+)?)([kKmMgG])?$/.exec(text.trim());
  if (match === null) return null;
  const factors: Record<string, number> = { k: 1e3, m: 1e6, g: 1e9, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
  const factor = match[2] === undefined ? 1 : (factors[match[2]] ?? 1);
  return Math.trunc(Number(match[1]) * factor);
}

/**
 * Reads the arguments after `vllm`, e.g. `['serve', 'org/name', '--port', '8000']`, in argparse's manner
 * (`--a=b`, `_` for `-`, unknown options and bad values are errors with argparse's words).
 */
export function parseArguments(argv: readonly string[]): ServeArguments | UsageError {
  if (argv[0] !== 'serve') {
    return {
      usage: `usage: vllm [-h] [-v] {chat,complete,serve,launch,bench,collect-env,run-batch} ...\nvllm: error: argument subparser: invalid choice: '${argv[0] ?? ''}'`,
    };
  }
  const given: ServeArguments['given'] = {};
  const positional: string[] = [];
  const unknown: string[] = [];
  const rest = argv.slice(1);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('--')) {
      positional.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).slice(2).replaceAll('_', '-');
    const plain = name.startsWith('no-') && SWITCHES.has(name.slice(3)) ? name.slice(3) : name;
    if (SWITCHES.has(plain)) {
      given[plain] = plain === name;
      continue;
    }
    const known = ONE_VALUE.has(name) || MANY_VALUES.has(name);
    const values =
      equals >= 0 ? [word.slice(equals + 1)] : takeValues(rest, ONE_VALUE.has(name) ? 1 : Infinity);
    if (!known) {
      unknown.push(word, ...(equals >= 0 ? [] : values));
      continue;
    }
    const [first] = values;
    if (first === undefined) {
      const count = ONE_VALUE.has(name) ? 'one' : 'at least one';
      return usageError(`argument --${name}: expected ${count} argument`);
    }
    given[name] = MANY_VALUES.has(name) ? values : first;
  }
  if (positional.length > 1) unknown.unshift(...positional.splice(1));
  if (unknown.length > 0) return usageError(`unrecognized arguments: ${unknown.join(' ')}`);
  return toServeArguments(given, positional[0]);
}

/** Takes the values that follow an option: words without `--` (a negative number is a value). */
function takeValues(rest: string[], most: number): string[] {
  const end = rest.findIndex((word) => /^--(?!\d)/.test(word));
  return rest.splice(0, Math.min(end < 0 ? rest.length : end, most));
}

function toServeArguments(
  given: ServeArguments['given'],
  tag: string | undefined,
): ServeArguments | UsageError {
  const text = (name: string): string | null =>
    typeof given[name] === 'string' ? (given[name] as string) : null;
  const list = (name: string): string[] => (Array.isArray(given[name]) ? (given[name] as string[]) : []);
  const integer = (name: string, fallback: number): number | UsageError => {
    const value = text(name);
    if (value === null) return fallback;
    return /^\d+$/.test(value)
      ? Number(value)
      : usageError(`argument --${name}: invalid int value: '${value}'`);
  };
  const port = integer('port', 8000);
  if (typeof port !== 'number') return port;
  const shutdownTimeoutSeconds = integer('shutdown-timeout', 0);
  if (typeof shutdownTimeoutSeconds !== 'number') return shutdownTimeoutSeconds;
  const length = text('max-model-len');
  const maxModelLen = length === null ? null : parseModelLength(length);
  if (length !== null && maxModelLen === null) {
    return usageError(`argument --max-model-len: invalid human_readable_int_or_auto value: '${length}'`);
  }
  const model = tag ?? text('model') ?? 'Qwen/Qwen3-0.6B';
  const names = list('served-model-name');
  return {
    model,
    servedModelNames: names.length > 0 ? names : [model],
    host: text('host') ?? '0.0.0.0',
    port,
    maxModelLen,
    apiKeys: list('api-key'),
    shutdownTimeoutSeconds,
    accessLog: given['disable-uvicorn-access-log'] !== true,
    eager: given['enforce-eager'] === true,
    chatTemplate: text('chat-template'),
    given,
  };
}
