/** What vLLM does between its first line and the first answer, in this order. A phase may be missing (`graphs` on a CPU). */
export const LOAD_PHASES = [
  'config',
  'load weights',
  'compile',
  'memory profiling',
  'graphs',
  'serving',
] as const;
export type LoadPhase = (typeof LOAD_PHASES)[number];

/** What one line tells of a start. */
export interface LoadMark {
  /** The phase that is under way from this line on. */
  phase: LoadPhase;
  /** How much of that phase is done, 0 to 1; absent where the line does not tell. */
  fraction?: number;
  /** A landmark within a phase without a bar: at least so much of it is done, 0 to 1. */
  atLeast?: number;
  /** Whether the compiled graphs came from a cache; absent where the line does not tell. */
  cached?: boolean;
  /** The engine neither compiles nor captures graphs in this start. */
  eager?: boolean;
}

/** One wording: what it looks like and what it means. */
interface Wording {
  pattern: RegExp;
  mark(match: RegExpExecArray): LoadMark;
}

const at =
  (phase: LoadPhase, more: Omit<LoadMark, 'phase'> = {}) =>
  (): LoadMark => ({ phase, ...more });

/** `33% Completed | 1/3` is a third, not 33 %. */
const share = (match: RegExpExecArray): number => {
  const [percent, done, total] = [match[1], match[2], match[3]].map(Number);
  const exact = done !== undefined && total !== undefined && total > 0 ? done / total : Number.NaN;
  return Math.min(1, Math.max(0, Number.isNaN(exact) ? (percent ?? 0) / 100 : exact));
};
/** The tail that tqdm prints after a description: `: 33%|███ | 1/3 [00:01<00:02, 1.2s/it]`, or `: 33% Completed | 1/3 […]`. */
const BAR = String.raw`:\s*(\d+)%(?:[^\d\r\n]*?(\d+)\/(\d+))?`;

/**
 * Landmarks of the first phase, as shares of it. It is spent on importing the same packages three times, in the server, in a process
 * that looks at the model, and in the engine, which on a slow disk or a busy CPU takes most of a start (vLLM 0.32).
 */
const PROGRAM_LOADED = 0.25;
const ARCHITECTURE_KNOWN = 0.5;
const ENGINE_INITIALIZES = 0.75;

/**
 * Wordings of vLLM 0.4 to 0.32, on GPU and CPU (read in its sources: v1/engine/core.py, v1/worker/*, compilation/monitor.py,
 * compilation/backends.py, model_loader/weight_utils.py, worker/model_runner.py of V0). Tried in order; the first that fits counts.
 * Bars of graphs come in two passes, of mixed batches and of decoding alone; each is half of the phase.
 */
const WORDINGS: readonly Wording[] = [
  {
    pattern: new RegExp(
      `(?:checkpoint shards|loading shards|loading checkpoint|GGUF tensors|Loading safetensors using Runai Model Streamer)${BAR}`,
      'i',
    ),
    mark: (match) => ({ phase: 'load weights', fraction: share(match) }),
  },
  {
    pattern: new RegExp(`Capturing CUDA graphs?[^:]*decode, FULL[^:]*${BAR}`, 'i'),
    mark: (match) => ({ phase: 'graphs', fraction: 0.5 + share(match) / 2 }),
  },
  {
    pattern: new RegExp(`Capturing CUDA graphs?[^:]*PIECEWISE[^:]*${BAR}`, 'i'),
    mark: (match) => ({ phase: 'graphs', fraction: share(match) / 2 }),
  },
  {
    pattern: new RegExp(`Capturing CUDA graph[^:]*${BAR}`, 'i'),
    mark: (match) => ({ phase: 'graphs', fraction: share(match) }),
  },
  { pattern: /Capturing (?:CUDA graph|the model for CUDA graphs|cudagraphs)/i, mark: at('graphs') },
  { pattern: /Graph capturing finished in/i, mark: at('graphs', { fraction: 1 }) },
  {
    pattern: /Initializing an? (?:V\d )?LLM engine.*\benforce_eager=True\b/,
    mark: at('config', { eager: true, atLeast: ENGINE_INITIALIZES }),
  },
  { pattern: /Cudagraph is disabled under eager mode/i, mark: at('config', { eager: true }) },
  {
    pattern: /Initializing an? (?:V\d )?LLM engine/,
    mark: at('config', { atLeast: ENGINE_INITIALIZES }),
  },
  {
    pattern: /vLLM (?:API )?server version|non-default args: \{/,
    mark: at('config', { atLeast: PROGRAM_LOADED }),
  },
  {
    pattern: /Resolved architecture:|Using max model len \d/,
    mark: at('config', { atLeast: ARCHITECTURE_KNOWN }),
  },
  { pattern: /Starting to load model |Loading model weights took /, mark: at('load weights') },
  {
    pattern: /Using model weights format |Time spent downloading weights for /,
    mark: at('load weights'),
  },
  { pattern: /Prefetching checkpoint files|Loading drafter model/, mark: at('load weights') },
  { pattern: /Loading weights took [\d.]+ s/, mark: at('load weights', { fraction: 1 }) },
  { pattern: /Model loading took [\d.]+ G/, mark: at('compile') },
  { pattern: /Warming up model for the compilation|Start compiling function /, mark: at('compile') },
  {
    pattern: /Directly load (?:the|AOT) (?:\d+-th )?compil|Directly lookup the graph for/,
    mark: at('compile', { cached: true }),
  },
  {
    // The CPU's runner says nothing else of a compilation, and this at its end.
    pattern: /Compiling a graph for|Dynamo bytecode transform time|saved AOT compiled function to/,
    mark: at('compile', { cached: false }),
  },
  { pattern: /Using cache directory: \S*torch_compile_cache/, mark: at('compile') },
  { pattern: /torch\.compile (?:took|takes) [\d.]+ s in total/, mark: at('memory profiling') },
  { pattern: /Warming up done\./, mark: at('memory profiling') },
  {
    pattern:
      /Initial profiling\/warmup run took|Memory profiling (?:took|takes)|(?:Profiling|Estimated) CUDA graph memory/,
    mark: at('memory profiling'),
  },
  { pattern: /Available KV cache memory:|Auto-fit max_model_len/, mark: at('memory profiling') },
  {
    pattern: /KV cache size: [\d,]+ tokens|# \w+ blocks: \d+|Maximum concurrency for [\d,]+ tokens/,
    mark: at('memory profiling'),
  },
  { pattern: /init engine \(profile, create kv cache, warmup model\) took/, mark: at('serving') },
  {
    pattern: /Starting vLLM (?:API )?server|Available routes are:|Supported tasks: /,
    mark: at('serving'),
  },
  {
    pattern: /Started server process \[|Waiting for application startup|Application startup complete/,
    mark: at('serving'),
  },
];

/**
 * Words of every wording above, case for case, so that a line of anything else costs one look. All stand near the beginning of
 * their line, also where an engine's whole configuration follows.
 */
const ANY_WORD =
  /shards:|checkpoint|GGUF tensors|CUDA graph|cudagraph|raph capturing|for the compilation|Start compiling|LLM engine|server version|non-default args|vLLM server|API server|Resolved arch|max model len|to load model|eights took|Model loading|weights for|weights format|drafter|Directly lo|a graph for|Dynamo|AOT compiled|_compile_cache|torch\.compile|Warming up|KV cache (?:size|memory)|emory profiling|warmup run|max_model_len|blocks:|concurrency for|init engine|routes are|application startup|Application startup|server process|Supported tasks/;

/** Where the words of a wording stand at the latest: behind the prefixes of a record. */
const EXAMINED_LENGTH = 400;
/** A configuration is printed in one line of up to some thousand characters; what it says of eager mode stands within these. */
const CONFIGURATION_LENGTH = 8_192;

/**
 * What a line of vLLM's log tells of its start; null for all others. Prefixes, times and colours may stand around the words;
 * a bar that was printed with carriage returns comes as one line a state (lib/lines).
 */
export function readLoadLine(line: string): LoadMark | null {
  if (!ANY_WORD.test(line.length > EXAMINED_LENGTH ? line.slice(0, EXAMINED_LENGTH) : line)) return null;
  const text = line.length > CONFIGURATION_LENGTH ? line.slice(0, CONFIGURATION_LENGTH) : line;
  for (const { pattern, mark } of WORDINGS) {
    const match = pattern.exec(text);
    if (match !== null) return mark(match);
  }
  return null;
}
