import { boxText, type LogLine } from './log-line.ts';
import { createNoticeReader } from './notice.ts';
import { closeTraceback, looksLikeError, newTraceback, readTraceback, type Traceback } from './traceback.ts';

/** An error message as a person would quote it: the line that names it and the lines that go on with it. */
export interface Message {
  lines: string[];
  /** Number of its first line in the log. */
  index: number;
  process: string;
  level: LogLine['level'];
  /** Source file named by the logger. */
  file: string;
  /** The innermost frames of the traceback that it ends, a line each; '' where there is none. */
  frames: string;
  /** It has the form of an error's name and text. */
  named: boolean;
  /** How it hangs together with the error before it. */
  chain: Traceback['chain'];
  /** It ended a thread, which the program outlives. */
  ofThread: boolean;
}

/** Lines that belong to a message after its first, and how long it may grow with them. */
const MAXIMUM_LINES = 7;
const MAXIMUM_LENGTH = 2000;

/** Pieces of one process's lines together; what it makes of them is handed on as soon as it is whole. */
export interface MessageReader {
  /** Takes the next line; returns the message that it ends, if any. */
  push(line: LogLine, index: number): Message | null;
  /** The message at the end of the log, if any. */
  end(): Message | null;
}

/** Text that goes on with a message: not empty, not the beginning of something else. */
const NEW_BEGINNING =
  /NVRM: |^kernel: |oom-kill|^Out of memory: Killed|^(?:Process \w|Exception (?:ignored|in) |--- Logging error|usage:|=+ |\*+)/;
/** Errors that are only noted: by Python while it tidies up, by logging of itself, by vLLM of what it can do without. */
const IGNORED =
  /^(?:Exception ignored in|--- Logging error ---|Failed to load plugin |NVLink detection |Error ignored in )/;

/** How vLLM before 0.7 writes the error of a worker: `Exception in worker X while processing method Y: ERROR, Traceback (…` */
const WITH_ERROR = /^(.{1,2000}?\S: .{1,2000}\S), Traceback \(most recent call last\):?$/;

/** What Python writes before the traceback of a thread that ended. */
const THREAD = /^Exception in thread /;

/** A message of one line that ends no traceback. */
function newMessage({ process, level, file }: LogLine, text: string, index: number): Message {
  return {
    lines: [text.trim()],
    index,
    process,
    level,
    file,
    frames: '',
    named: false,
    chain: 'none',
    ofThread: false,
  };
}

/** An assertion without words is told by what it asserts. */
function withAssertion(text: string, { open, source }: Traceback): string {
  return open && /^AssertionError:?$/.test(text) && source.startsWith('assert ')
    ? `AssertionError: ${source}`
    : text;
}

/** After it the client of the hub leaves a line empty and says why. */
const GOES_ON_AFTER_BLANK = /\(Request ID: [^)]{1,200}\)\.?$/;

/** Makes a reader for the lines of one process. */
export function createMessageReader(): MessageReader {
  const traceback = newTraceback();
  const notices = createNoticeReader();
  let pending: Message | null = null;
  let box: string | null = null;
  let ignoring = false;
  let inThread = false;

  const take = (): Message | null => {
    const message = pending;
    pending = null;
    return message;
  };
  const begin = (line: LogLine, text: string, index: number, named: boolean): void => {
    pending = {
      ...newMessage(line, withAssertion(text.trim(), traceback), index),
      frames: traceback.open ? traceback.frames.join('\n') : '',
      named,
      chain: traceback.chain,
      ofThread: inThread && named,
    };
    if (named) inThread = false;
    traceback.chain = 'none';
    closeTraceback(traceback);
  };
  const goesOn = (line: LogLine, text: string): boolean =>
    pending !== null &&
    (pending.named || box !== null) &&
    pending.lines.length < MAXIMUM_LINES &&
    line.level === pending.level &&
    text.trim() !== '' &&
    !NEW_BEGINNING.test(text) &&
    pending.lines.join(' ').length < MAXIMUM_LENGTH;

  return {
    push(raw, index) {
      const line = notices.read(raw, traceback.open || pending?.named === true);
      let { text } = line;
      const inner = line.level === null ? boxText(text) : null;
      if (inner !== null) {
        // rich shows source lines in its boxes: `❱ 12 raise …`, `12 │ …`
        if (/❱|^\s*\d+ │|│/.test(inner) || inner.trim() === '') return null;
        text = inner;
      } else {
        box = null;
      }
      if (IGNORED.test(text)) ignoring = true;
      if (THREAD.test(text)) inThread = true;
      const part = readTraceback(traceback, text);
      if (part === 'structure') {
        const before = take();
        // The error may stand in front of its traceback, which is cut off in many logs.
        const words = WITH_ERROR.exec(text)?.[1];
        if (words !== undefined) pending = newMessage(line, words, index);
        return before;
      }
      if (part === 'error') {
        if (ignoring) {
          ignoring = false;
          closeTraceback(traceback);
          return take();
        }
        const before = take();
        begin(line, text, index, true);
        return before;
      }
      if (
        text.trim() === '' &&
        pending?.named === true &&
        GOES_ON_AFTER_BLANK.test(pending.lines.at(-1) ?? '')
      ) {
        return null;
      }
      if (goesOn(line, text)) {
        pending?.lines.push(text.trim().slice(0, MAXIMUM_LENGTH));
        return null;
      }
      const before = take();
      if (inner !== null) box = text;
      if (text.trim() !== '') begin(line, text, index, looksLikeError(text));
      return before;
    },
    end: take,
  };
}
