/** Codes of ASCII. */
const ASCII_LENGTH = 128;

const LEVEL_WORDS = 'TRACE|DEBUG|INFO|SUCCESS|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL';

/** What a prefix may tell. */
export type Told = 'container' | 'process' | 'level' | 'file';

/** A prefix and what it tells. */
export interface Prefix {
  /** Sticky: tried where the message begins so far. */
  pattern: RegExp;
  /** Characters of which one is its first; a prefix is tried only there, since most lines have few of them. */
  first: string;
  /** What its groups are, in their order: names of groups would cost an object a line. */
  tells?: readonly Told[];
  /** Only a line that was not yet given a level may have it. */
  logger?: true;
}

const DIGITS = '0123456789';
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LETTERS = `${UPPER}${UPPER.toLowerCase()}`;
const ALPHANUMERIC = `${LETTERS}${DIGITS}`;
/** First letters of {@link LEVEL_WORDS}. */
const LEVEL_FIRST = 'TDISNWECF';
const GLOG_FIRST = 'IWEF';

/** Tried in this order. */
export const PREFIXES: readonly Prefix[] = [
  // vLLM: `ERROR 05-12 10:11:12 [core.py:123] `, before 0.8 `ERROR 05-12 10:11:12 engine.py:366] `
  {
    first: LEVEL_FIRST,
    tells: ['level', 'file'],
    pattern: new RegExp(
      `(${LEVEL_WORDS}) \\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d (?:\\[[^\\]\\s:]{1,40}\\] )?\\[?([^\\]\\s:]{1,120}):\\d+\\] ?`,
      'y',
    ),
    logger: true,
  },
  // the same without a source file
  {
    first: LEVEL_FIRST,
    tells: ['level'],
    pattern: new RegExp(`(${LEVEL_WORDS}) \\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d (?!\\[)`, 'y'),
    logger: true,
  },
  // the same without a time, and with a process id of its own: `ERROR [core.py:123] `, `ERROR 56542 [async_llm_engine.py:64] `
  {
    first: LEVEL_FIRST,
    tells: ['level', 'file'],
    pattern: new RegExp(`(${LEVEL_WORDS})\\s+(?:\\d+ )?\\[([^\\]\\s:]{1,120}):\\d+\\] ?`, 'y'),
    logger: true,
  },
  // processes of vLLM and Ray: `(EngineCore_DP0 pid=77) `, `(VllmWorker rank=0 pid=9) `, `(RayWorkerWrapper pid=5, ip=10.0.0.2) `
  {
    first: '(',
    tells: ['process'],
    pattern: /\(([^()]{0,80}?\bpid=\d+[^()]{0,80})\)(?: \[repeated \d+x across cluster\])? ?/y,
  },
  // torchrun and tracebacks of one rank; stages of pipelines of models
  { first: '[', tells: ['process'], pattern: /\[(rank\d{1,5})\]:? ?/y },
  { first: '[', tells: ['process'], pattern: /\[(Stage-\d+)\] /y },
  { first: '[', pattern: /\[\d+,\d+\]<std(?:out|err)>: ?/y },
  // docker compose logs, kubectl --prefix
  {
    first: ALPHANUMERIC,
    tells: ['container'],
    pattern: /(?!(?:TRACE|DEBUG|INFO|WARN|ERR|CRITICAL|FATAL))([A-Za-z0-9][\w.-]{0,62})[ \t]+\| ?/y,
  },
  { first: '[', tells: ['container'], pattern: /\[pod\/([\w./-]{1,120})\] /y },
  // docker logs -t, kubernetes, loggers: `2026-01-02T03:04:05.678Z `
  {
    first: `[${DIGITS}`,
    pattern:
      /\[?\d{4}[-/]\d\d[-/]\d\d[T _]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?Z| ?[+-]\d\d:?\d\d| UTC)?\]?(?: (?:stdout|stderr) [FP](?= ))?:? ?/y,
  },
  // syslog and journalctl
  {
    first: UPPER,
    pattern: /[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,64} [^\s:[\]]{1,64}(?:\[\d+\])?: ?/y,
  },
  // the kernel's own: `[12345.678901] `, `[Mon Nov 23 10:11:12 2026] `, `<4>`, `6,123,456789,-;`
  { first: '[', pattern: /\[ *\d+\.\d{3,9}\](?: \[ *T\d+\])? /y },
  { first: '[', pattern: /\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] /y },
  { first: '<', pattern: /<\d{1,3}>(?=\S)/y },
  { first: DIGITS, pattern: /\d{1,3},\d+,\d+,[-\w,=]{1,40};/y },
  // dockerd, containerd: `time="…" level=error msg="…"`
  { first: 't', tells: ['level'], pattern: /time="?[^"\s]{1,40}"? level=([a-z]+) msg="?/y, logger: true },
  // glog of torch: `[E1123 10:11:12.123456789 ProcessGroupNCCL.cpp:616] `
  {
    first: `[${GLOG_FIRST}`,
    tells: ['level', 'file'],
    pattern: /\[?([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ (?:\d+ )?([\w./-]{1,120}):\d+\] ?/y,
    logger: true,
  },
  // torch's Python loggers: `W1123 10:11:12.123000 77 torch/_inductor/x.py:12] [0/0] `
  {
    first: GLOG_FIRST,
    tells: ['level', 'file'],
    pattern: /([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ \d+ ([\w./-]{1,200}):\d+\](?: \[[\d/_]+\])? ?/y,
    logger: true,
  },
  // wrappers that relay the output of a program: `| ERROR | stderr | `
  {
    first: '|',
    tells: ['level'],
    pattern: new RegExp(`\\| (${LEVEL_WORDS})\\s*\\| std(?:out|err) \\| ?`, 'y'),
    logger: true,
  },
  // loguru: `| ERROR    | open_webui.main:lifespan:12 - `
  {
    first: '|',
    tells: ['level'],
    pattern: new RegExp(`\\| (${LEVEL_WORDS})\\s*\\| [^|]{1,160}? - `, 'y'),
    logger: true,
  },
  // columns: `| INFO | httpx | `, `| 2026-01-02T03:04:05Z | (EngineCore pid=7) `
  {
    first: '|',
    tells: ['level'],
    pattern: new RegExp(`\\| (${LEVEL_WORDS})\\s*\\| (?:[\\w.]{1,80} \\| )?`, 'y'),
    logger: true,
  },
  { first: '|', pattern: /\| (?=\d{4}-\d\d-\d\d[T ]|\(\w)/y },
  // a logger that names the thread: `[MainThread] [vllm.worker.worker_base] >>> `
  { first: '[', pattern: /\[(?:MainThread|Thread-\d+[^\]]{0,40})\] (?:\[[\w.]{1,80}\] )?(?:>>> ?)?/y },
  // NCCL_DEBUG=INFO: `host:77:77 [0] NCCL INFO `; its warnings keep their name, which is part of their words
  {
    first: ALPHANUMERIC,
    tells: ['level'],
    pattern: /[\w.-]{1,64}:\d+:\d+ \[\d+\] NCCL (INFO|TRACE) ?/y,
    logger: true,
  },
  // uvicorn `ERROR:    `, Python's default `ERROR:module:`, alembic and others `ERROR [module] `, `[ERROR] `, `- module - ERROR - `
  {
    first: `-_.:/${ALPHANUMERIC}`,
    tells: ['level'],
    pattern: new RegExp(`(?:- )?[\\w.:/-]{1,120} - (${LEVEL_WORDS}) - `, 'y'),
    logger: true,
  },
  // flashinfer: `2026-01-02 03:04:05,678 - WARNING - autotuner.py:485 - flashinfer.jit: `
  {
    first: '-',
    tells: ['level', 'file'],
    pattern: new RegExp(`- (${LEVEL_WORDS}) - (?:([\\w./-]{1,120}):\\d+ - )?(?:[\\w.]{1,80}: )?`, 'y'),
    logger: true,
  },
  {
    first: '[',
    tells: ['level'],
    pattern: new RegExp(`\\[(${LEVEL_WORDS})\\s*\\]:?\\s?`, 'y'),
    logger: true,
  },
  {
    first: LEVEL_FIRST,
    tells: ['level'],
    pattern: new RegExp(`(${LEVEL_WORDS}):(?:\\s+|[\\w.]{1,80}:)`, 'y'),
    logger: true,
  },
  {
    first: LEVEL_FIRST,
    tells: ['level'],
    pattern: new RegExp(`(${LEVEL_WORDS}) {1,6}(?=[[|\\w])(?:\\[[\\w.]{1,80}\\] )?`, 'y'),
    logger: true,
  },
  {
    first: `-_.${ALPHANUMERIC}`,
    tells: ['level'],
    pattern: new RegExp(`[\\w.-]{1,40} (${LEVEL_WORDS}): `, 'y'),
    logger: true,
  },
  // the frame of a terminal program around a whole log
  {
    first: '│┃',
    pattern: /[│┃] ?(?=\(?(?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL|\w+ (?:rank=\d+ )?pid=\d+\)))/y,
  },
  // quoted in a mail or an issue
  { first: '>', pattern: /> (?=\S)/y },
];

/** Prefixes by the code of their first character, those of all characters beyond ASCII at its end. */
const BY_FIRST: readonly (readonly Prefix[])[] = Array.from({ length: ASCII_LENGTH + 1 }, (_, code) =>
  PREFIXES.filter(({ first }) =>
    code < ASCII_LENGTH
      ? first.includes(String.fromCharCode(code))
      : [...first].some((character) => character.charCodeAt(0) >= ASCII_LENGTH),
  ),
);

/** The prefixes that may begin at `at`, in the order in which they are tried. */
export function prefixesAt(line: string, at: number): readonly Prefix[] {
  return at < line.length ? (BY_FIRST[Math.min(line.charCodeAt(at), ASCII_LENGTH)] ?? []) : [];
}
