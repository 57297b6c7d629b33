import { type Cause, chooseCause, type Evidences, type RunState } from './choose.ts';
import type { LogLine } from './log-line.ts';
import { createMatcher, type Matcher, type PreparedSignatures } from './match.ts';
import { createMessageReader, type Message, type MessageReader } from './message.ts';
import { findMilestone } from './milestones.ts';
import { isTracebackHeader, looksLikeError } from './traceback.ts';
import type { Ending } from './types.ts';

/** Processes followed at once: a log with more of them is of many workers that all say the same. */
const MAXIMUM_PROCESSES = 128;
/** Errors kept while a service runs: the first of them that stand near its death explain it. */
const MAXIMUM_PRIMARIES = 64;

/** Errors of requests, which a server that works logs too: files of vLLM's front end. */
const REQUEST_FILES =
  /^(?:serving\w*|chat_utils|protocol|preprocess\w*|render\w*|input_processor|exception_handlers?|error_handl\w*|server_utils|basic|generative_scoring|request_logger|hermes_tool_parser|\w+_tool_parser|\w+_reasoning_parser|abstract_tool_parser)\.py$/;
const REQUEST_FRAMES =
  /(?:entrypoints\/(?:openai|serve|pooling|anthropic)\/\S*serving|entrypoints\/chat_utils\S* in (?!_?(?:load|validate))|entrypoints\/renderer|vllm\/renderers\/|starlette\/|fastapi\/|_(?:tool|reasoning)_parser\.py in (?:extract|adjust|is_reasoning))/;

/** The same files are run through while the server starts, where nobody asks for anything yet. */
const START_FRAMES =
  / in (?:init_app_state|init_static_loras|run_server(?:_worker)?|lifespan)$|\/serving\w*\.py in __init__$/m;

/** vLLM writes the state of its scheduler at level ERROR when its engine has failed: settings and prompts, no errors. */
const DUMP_FILES = /dump_input\.py$/;

/** What vLLM answers to a request it cannot serve: its logger and its users print it, and nothing has failed. */
const REQUEST_WORDS =
  /This model's maximum context length is|prompt \(length \d+\)[^.]{0,80} longer than the maximum model length|The model `[^`]{1,200}` does not exist|Conversation roles must alternate|(?:max_tokens|max_completion_tokens|temperature|top_p|n) must be (?:at least|in|non-negative)/;

/** One start of one program, read line by line; keeps only what a diagnosis needs. */
export interface Run {
  push(line: LogLine, index: number): void;
  /** The cause of its end, null when nothing failed. May be asked more than once. */
  cause(ending: Ending): Cause | null;
}

/** Makes a run that knows these signatures. */
export function createRun(signatures: PreparedSignatures): Run {
  const readers = new Map<string, MessageReader>();
  const matcher = createMatcher(signatures);
  const relayed = new Set<string>();
  let state = newState();
  let previous: RunState | null = null;

  const readerOf = (process: string): MessageReader => {
    const known = readers.get(process);
    if (known !== undefined) return known;
    if (readers.size >= MAXIMUM_PROCESSES) {
      const oldest = readers.keys().next();
      if (oldest.done !== true) readers.delete(oldest.value);
    }
    const reader = createMessageReader();
    readers.set(process, reader);
    return reader;
  };
  const take = (message: Message | null): void => {
    if (message !== null) takeMessage(matcher, state, message);
  };
  const flush = (): void => {
    for (const reader of readers.values()) take(reader.end());
  };
  const reach = (line: LogLine, index: number): void => {
    const quiet = line.level === 'info' || line.level === 'debug';
    const milestone = findMilestone(quiet ? 'info' : 'other', line.text);
    switch (milestone) {
      case null:
        return;
      case 'start':
        flush();
        if (state.ready !== null || hasFailed(state)) previous = state;
        state = newState();
        readers.clear();
        return;
      case 'progress':
        take(readers.get(line.process)?.end() ?? null);
        forget(state.found, line.process);
        return;
      case 'ready':
        if (state.death !== null) return;
        if (state.ready === null) {
          flush();
          forget(state.found, null);
        }
        state.ready = index;
        return;
      case 'shutdown':
        if (state.death === null) state.shutdown ??= index;
        return;
      case 'death':
        if (state.shutdown === null) state.death ??= index;
        return;
    }
  };

  return {
    push(line, index) {
      state.last = index;
      reach(line, index);
      const quiet = line.level === 'info' || line.level === 'debug' || DUMP_FILES.test(line.file);
      if (quiet && state.gpus === null && line.text.includes('tensor_parallel_size')) {
        const gpus = GPUS.exec(line.text)?.[1];
        if (gpus !== undefined) state.gpus = Number(gpus);
      }
      if (quiet && !belongsToTraceback(line, relayed)) {
        take(readers.get(line.process)?.end() ?? null);
        return;
      }
      take(readerOf(line.process).push(quiet ? { ...line, level: null } : line, index));
    },
    cause(ending) {
      flush();
      const cause = chooseCause(state, ending);
      if (cause !== null || state.ready !== null || state.shutdown !== null) return cause;
      return previous === null ? null : chooseCause(previous, ending);
    },
  };
}

/**
 * Whether a quiet line is part of a traceback that another program relays: some log whatever vLLM prints as INFO. No
 * program prints a traceback of its own at that level. `relayed` holds the processes inside of one.
 */
function belongsToTraceback({ process, text }: LogLine, relayed: Set<string>): boolean {
  if (isTracebackHeader(text)) {
    relayed.add(process);
    return true;
  }
  if (!relayed.has(process)) return false;
  if (looksLikeError(text)) relayed.delete(process);
  return true;
}

function newState(): RunState {
  return {
    ready: null,
    death: null,
    shutdown: null,
    last: 0,
    gpus: null,
    found: { host: null, primaries: [], weak: null, secondary: null, unknown: null, always: null },
  };
}

function hasFailed({ found, death }: RunState): boolean {
  return death !== null || found.primaries.length > 0 || found.unknown !== null || found.weak !== null;
}

/** What stood before a step that succeeded was no failure; `process` null: of all processes. */
function forget(found: Evidences, process: string | null): void {
  const other = (message: Message) => process !== null && message.process !== process;
  found.primaries = found.primaries.filter(({ message }) => other(message));
  if (found.weak !== null && !other(found.weak.message)) found.weak = null;
  if (found.secondary !== null && !other(found.secondary.message)) found.secondary = null;
  if (found.unknown !== null && !other(found.unknown)) found.unknown = null;
}

/** The engine's dump of its settings, and what the front end lists of its arguments. */
const GPUS = /tensor_parallel_size['"]?[=:] ?(\d{1,4})/;
/** With one GPU the engine of vLLM 0.8 and later loads the model itself, with more its workers do. */
const ENGINE = /^EngineCore/;

function isAlone({ gpus }: RunState, { process }: Message): boolean {
  return gpus === null ? ENGINE.test(process) : gpus === 1;
}

/** Open WebUI does without its embedding model, and says so with whatever its libraries say. */
const DONE_WITHOUT =
  /^Cannot determine model snapshot path|^Error (?:loading SentenceTransformer|updating (?:embedding )?model)/;

/** Warnings of torch's own sources, of sockets above all, are about what it tries next. */
const NATIVE_FILES = /\.(?:cpp|cc|cu|h)$/;

function takeMessage(matcher: Matcher, state: RunState, message: Message): void {
  if (message.level === 'warning' && NATIVE_FILES.test(message.file)) return;
  if (DONE_WITHOUT.test(message.lines[0] ?? '')) return;
  const { found } = state;
  const ofRequest =
    REQUEST_FILES.test(message.file) ||
    (REQUEST_FRAMES.test(message.frames) && !START_FRAMES.test(message.frames)) ||
    REQUEST_WORDS.test(message.lines[0] ?? '');
  const settled = state.ready === null && found.primaries.some(({ match: { handled } }) => !handled);
  const match = matcher.match(message, settled, isAlone(state, message));
  if (match === null) {
    if (!ofRequest && !settled) noteUnknown(found, message);
    return;
  }
  const proof = { match, message };
  if (match.signature.always === true) {
    found.always ??= proof;
    return;
  }
  if (ofRequest && match.strength !== 'host') return;
  switch (match.strength) {
    case 'host':
      if (found.host === null || (found.host.match.signature.outcome && !match.signature.outcome))
        found.host = proof;
      return;
    case 'primary':
      found.primaries.push(proof);
      // Before the service is ready the first one counts; afterwards those before its end.
      if (found.primaries.length > MAXIMUM_PRIMARIES)
        found.primaries.splice(state.ready === null ? -1 : 0, 1);
      return;
    case 'weak':
      if (found.weak === null || state.ready !== null) found.weak = proof;
      return;
    case 'secondary':
      found.secondary ??= proof;
      return;
  }
}

/** Keeps the error that tells most: the first, or the one into which it was turned while it was handled. */
function noteUnknown(found: Evidences, message: Message): void {
  if (
    message.level === 'warning' ||
    /^\w*Warning\b|^(?:SystemExit|KeyboardInterrupt|asyncio\.\S*CancelledError)\b/.test(
      message.lines[0] ?? '',
    )
  )
    return;
  if (!message.named && message.level !== 'error') return;
  const known = found.unknown;
  if (known === null || (message.named && !known.named)) found.unknown = message;
  else if (message.chain === 'handling' && message.process === known.process) found.unknown = message;
}
