import { stripVTControlCharacters } from 'node:util';

/**
 * Of a longer line only its head and its tail are looked at: messages are shorter, dumps of settings are not, and a traceback
 * that was made one line has its error at its end.
 */
const MAXIMUM_LENGTH = 4096;
const HEAD_LENGTH = 3072;
const TAIL_LENGTH = 1024;
/** Prefixes of several wrappers may stand in front of each other: an engine's, a terminal's, a process's, a logger's. */
const MAXIMUM_PREFIXES = 10;

type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** A line freed of what its way through loggers, containers and terminals has put in front of it. */
export interface LogLine {
  /** Container the line is said to be of (`docker compose logs`); '' when there is one log only. */
  container: string;
  /** Process the line is said to be of, e.g. `EngineCore_DP0 pid=77`; '' when it names none. */
  process: string;
  /** Null: printed without a logger. */
  level: LogLevel | null;
  /** Source file named by the logger, e.g. `core.py`; '' when it names none. */
  file: string;
  /** The message with its own indentation. */
  text: string;
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  T: 'debug',
  TRACE: 'debug',
  D: 'debug',
  DEBUG: 'debug',
  I: 'info',
  INFO: 'info',
  SUCCESS: 'info',
  NOTICE: 'info',
  W: 'warning',
  WARN: 'warning',
  WARNING: 'warning',
  E: 'error',
  ERR: 'error',
  ERROR: 'error',
  F: 'error',
  FATAL: 'error',
  PANIC: 'error',
  CRITICAL: 'error',
};

const LEVEL_WORDS = 'TRACE|DEBUG|INFO|SUCCESS|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL';

/** A prefix, what it tells, and after how much of the line the message goes on. */
interface Prefix {
  /** Sticky: tried where the message begins so far. Groups: container, process, level, file. */
  pattern: RegExp;
  /** Only a line that was not yet given a level may have it. */
  logger?: true;
}

const PREFIXES: readonly Prefix[] = [
  // vLLM: `ERROR 05-12 10:11:12 [core.py:123] `, before 0.8 `ERROR 05-12 10:11:12 engine.py:366] `
  {
    pattern: new RegExp(
      `(?<level>${LEVEL_WORDS}) \\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d (?:\\[[^\\]\\s:]{1,40}\\] )?\\[?(?<file>[^\\]\\s:]{1,120}):\\d+\\] ?`,
      'y',
    ),
    logger: true,
  },
  // the same without a source file
  {
    pattern: new RegExp(`(?<level>${LEVEL_WORDS}) \\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d (?!\\[)`, 'y'),
    logger: true,
  },
  // the same with a process id of its own: `ERROR 56542 [async_llm_engine.py:64] `
  {
    pattern: new RegExp(`(?<level>${LEVEL_WORDS})\\s+\\d+ \\[(?<file>[^\\]\\s:]{1,120}):\\d+\\] ?`, 'y'),
    logger: true,
  },
  // processes of vLLM and Ray: `(EngineCore_DP0 pid=77) `, `(VllmWorker rank=0 pid=9) `, `(RayWorkerWrapper pid=5, ip=10.0.0.2) `
  { pattern: /\((?<process>[^()]{0,80}?\bpid=\d+[^()]{0,80})\)(?: \[repeated \d+x across cluster\])? ?/y },
  // torchrun and tracebacks of one rank; stages of pipelines of models
  { pattern: /\[(?<process>rank\d{1,5})\]:? ?/y },
  { pattern: /\[(?<process>Stage-\d+)\] /y },
  { pattern: /\[\d+,\d+\]<std(?:out|err)>: ?/y },
  // docker compose logs, kubectl --prefix
  {
    pattern:
      /(?!(?:TRACE|DEBUG|INFO|WARN|ERR|CRITICAL|FATAL))(?<container>[A-Za-z0-9][\w.-]{0,62})[ \t]+\| ?/y,
  },
  { pattern: /\[pod\/(?<container>[\w./-]{1,120})\] /y },
  // docker logs -t, kubernetes, loggers: `2026-01-02T03:04:05.678Z `
  {
    pattern:
      /\[?\d{4}[-/]\d\d[-/]\d\d[T _]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?Z| ?[+-]\d\d:?\d\d| UTC)?\]?(?: (?:stdout|stderr) [FP](?= ))?:? ?/y,
  },
  // syslog and journalctl
  { pattern: /[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,64} [^\s:[\]]{1,64}(?:\[\d+\])?: ?/y },
  // the kernel's own: `[12345.678901] `, `[Mon Nov 23 10:11:12 2026] `, `<4>`, `6,123,456789,-;`
  { pattern: /\[ *\d+\.\d{3,9}\](?: \[ *T\d+\])? /y },
  { pattern: /\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] /y },
  { pattern: /<\d{1,3}>(?=\S)/y },
  { pattern: /\d{1,3},\d+,\d+,[-\w,=]{1,40};/y },
  // dockerd, containerd: `time="…" level=error msg="…"`
  { pattern: /time="?[^"\s]{1,40}"? level=(?<level>[a-z]+) msg="?/y, logger: true },
  // glog of torch: `[E1123 10:11:12.123456789 ProcessGroupNCCL.cpp:616] `
  {
    pattern: /\[?(?<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ (?:\d+ )?(?<file>[\w./-]{1,120}):\d+\] ?/y,
    logger: true,
  },
  // torch's Python loggers: `W1123 10:11:12.123000 77 torch/_inductor/x.py:12] [0/0] `
  {
    pattern:
      /(?<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ \d+ (?<file>[\w./-]{1,200}):\d+\](?: \[[\d/_]+\])? ?/y,
    logger: true,
  },
  // wrappers that relay the output of a program: `| ERROR | stderr | `
  { pattern: new RegExp(`\\| (?<level>${LEVEL_WORDS})\\s*\\| std(?:out|err) \\| ?`, 'y'), logger: true },
  // loguru: `| ERROR    | open_webui.main:lifespan:12 - `
  {
    pattern: new RegExp(`\\| (?<level>${LEVEL_WORDS})\\s*\\| [^|]{1,160}? - `, 'y'),
    logger: true,
  },
  // uvicorn `ERROR:    `, Python's default `ERROR:module:`, alembic and others `ERROR [module] `, `[ERROR] `, `- module - ERROR - `
  { pattern: new RegExp(`(?:- )?[\\w.:/-]{1,120} - (?<level>${LEVEL_WORDS}) - `, 'y'), logger: true },
  // flashinfer: `2026-01-02 03:04:05,678 - WARNING - autotuner.py:485 - flashinfer.jit: `
  {
    pattern: new RegExp(
      `- (?<level>${LEVEL_WORDS}) - (?:(?<file>[\\w./-]{1,120}):\\d+ - )?(?:[\\w.]{1,80}: )?`,
      'y',
    ),
    logger: true,
  },
  { pattern: new RegExp(`\\[(?<level>${LEVEL_WORDS})\\s*\\]:?\\s?`, 'y'), logger: true },
  { pattern: new RegExp(`(?<level>${LEVEL_WORDS}):(?:\\s+|[\\w.]{1,80}:)`, 'y'), logger: true },
  {
    pattern: new RegExp(`(?<level>${LEVEL_WORDS}) {1,6}(?=[[|\\w])(?:\\[[\\w.]{1,80}\\] )?`, 'y'),
    logger: true,
  },
  { pattern: new RegExp(`[\\w.-]{1,40} (?<level>${LEVEL_WORDS}): `, 'y'), logger: true },
  // the frame of a terminal program around a whole log
  { pattern: /[│┃] ?(?=\(?(?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL|\w+ (?:rank=\d+ )?pid=\d+\)))/y },
  // quoted in a mail or an issue
  { pattern: /> (?=\S)/y },
];

/** Frames that terminals draw around a message: typer's boxes, rich's tracebacks. */
const BOX = /^[\s]*[│┃║] ?(.*?) *[│┃║]? *$/;

/** Reads one line of any log. */
export function readLogLine(raw: string): LogLine {
  let line = raw.length > MAXIMUM_LENGTH ? `${raw.slice(0, HEAD_LENGTH)} … ${raw.slice(-TAIL_LENGTH)}` : raw;
  if (line.includes('\u001b')) line = stripVTControlCharacters(line);
  if (line.includes('m')) line = line.replace(/\ufffd?\[\d{1,2}(?:;\d{1,3}){0,4}m/g, '');
  if (line.startsWith('{')) line = fromJson(line);
  const found: LogLine = { container: '', process: '', level: null, file: '', text: '' };
  let at = 0;
  for (let count = 0; count < MAXIMUM_PREFIXES; count++) {
    const length = takePrefix(line, at, found);
    if (length === 0) break;
    at += length;
  }
  found.text = line.slice(at).replace(/[\s│┃]+$/, '');
  if (found.text.startsWith('{') && at > 0) found.text = fromJson(found.text);
  return found;
}

/** Text of a box without its frame; null when the line is not of one. */
export function boxText(text: string): string | null {
  return BOX.exec(text)?.[1] ?? null;
}

/** Takes one prefix at `at` into what is known; returns its length, 0 for none. */
function takePrefix(line: string, at: number, found: LogLine): number {
  for (const { pattern, logger } of PREFIXES) {
    if (logger === true && found.level !== null) continue;
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match === null || match[0] === '') continue;
    const { container, process, level, file } = match.groups ?? {};
    if (container !== undefined) found.container = container;
    if (process !== undefined && found.process === '') found.process = process;
    if (level !== undefined) found.level = LEVELS[level.toUpperCase()] ?? null;
    if (file !== undefined) found.file = file;
    return match[0].length;
  }
  return 0;
}

/** A line of Docker's json-file, or of a logger that writes JSON, as text with its level in front. */
function fromJson(line: string): string {
  if (!line.endsWith('}')) return line;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null) return line;
    const record = new Map(Object.entries(parsed));
    const text = ['log', 'message', 'msg', 'MESSAGE', 'event'].map((key) => record.get(key)).find(isText);
    if (text === undefined) return line;
    const level = ['levelname', 'level', 'severity'].map((key) => record.get(key)).find(isText);
    return (level === undefined ? text : `${level.toUpperCase()}: ${text}`).split(/[\r\n]/, 1)[0] ?? '';
  } catch {
    return line;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
