/** Where one process stands inside a Python traceback. */
export interface Traceback {
  /** Inside one: frames and source lines are expected, the error itself comes at its end. */
  open: boolean;
  /** The innermost frames so far, the last one last. */
  frames: string[];
  /** The source line of the innermost frame; '' where it is not shown. */
  source: string;
  /** The line before was a frame: its source line comes next. */
  sourceFollows: boolean;
  /** What the coming error has to do with the one before. */
  chain: 'none' | 'caused' | 'handling';
}

/** What a line is in a traceback. */
export type TracebackPart = 'structure' | 'error' | 'other';

const HEADER = /(?:^|[:\s|+])(?:Exception Group )?Traceback \(most recent call last\):?\s*$/;
/** Part of every header; looking for it is cheaper than the expression. */
const HEADER_WORDS = '(most recent call last)';
/** Forums make quotes typographic and take the indentation away. */
const FRAME = /^[\s|>]*File ["“”«](.{1,400}?)["“”»], line \d+(?:, in (.{1,120}))?/;
const MARKS = /^[\s|]*[~^][\s~^]*$/;
const CAUSED = /^[\s|]*The above exception was the direct cause/;
const HANDLING = /^[\s|]*During handling of the above exception/;
const REPEATED = /^\s*\[Previous line repeated/;
const NOTE_LINES = /^[\s|+-]*-{4,}|^\s*\.\.\.\s*<\d+ lines>|^\s*\+-/;
/** `ValueError: …`, `torch.OutOfMemoryError: …`, `huggingface_hub.errors.GatedRepoError: …`, `KeyboardInterrupt` */
const ERROR_NAME =
  /^[\s|]*(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Timeout|Warning|Died|Failure|NotFound|TooLarge|Closed|Expired|Denied|Group|Abort|Shutdown|EngineDead|Stop\w*)(?:\([\w.]+\))?(?::(?:\s|$)|\s*$)/;
/** What ends a traceback may have any name. */
const ANY_ERROR = /^[\s|]*[A-Za-z_][\w.]{0,120}(?:\([\w.]+\))?(?::(?:\s|$)|\s*$)/;

/** How a program in Rust ends: the place first, what happened in the next line. */
const PANIC = /^thread '.{0,60}' panicked at /;

/** A source line of a traceback whose frame was wrapped or cut off: its words are no message. */
const RAISE = /^[\s|>]*raise\s+[A-Za-z_][\w.]*\s*(?:\(|from\b|$)/;

/** What faulthandler writes: its frames have no source lines, and no error ends them. */
const CRASH = /^(?:Fatal Python error: |(?:Current t|T)hread 0x[0-9a-f]+ )/;

/** Frames kept of a traceback. */
const FRAMES = 4;

export function newTraceback(): Traceback {
  return { open: false, frames: [], source: '', sourceFollows: false, chain: 'none' };
}

/** Whether the line has the form of an error's last line: its name, and mostly a message. */
export function looksLikeError(text: string): boolean {
  return ERROR_NAME.test(text) || PANIC.test(text);
}

/** Whether a traceback begins here. */
export function isTracebackHeader(text: string): boolean {
  return text.includes(HEADER_WORDS) && HEADER.test(text);
}

/** Takes the next line of a process into its traceback and tells what the line is. */
export function readTraceback(traceback: Traceback, text: string): TracebackPart {
  const after = traceback.sourceFollows;
  traceback.sourceFollows = false;
  if (text.includes('File ')) {
    const frame = FRAME.exec(text);
    if (frame !== null) {
      if (!traceback.open) openTraceback(traceback);
      traceback.frames.push(`${frame[1] ?? ''} in ${frame[2] ?? ''}`);
      if (traceback.frames.length > FRAMES) dropFrame(traceback.frames);
      traceback.source = '';
      traceback.sourceFollows = true;
      return 'structure';
    }
  }
  if (isTracebackHeader(text)) {
    openTraceback(traceback);
    return 'structure';
  }
  if (CAUSED.test(text)) {
    traceback.chain = 'caused';
    return 'structure';
  }
  if (HANDLING.test(text)) {
    traceback.chain = 'handling';
    return 'structure';
  }
  if (CRASH.test(text)) {
    closeTraceback(traceback);
    return 'other';
  }
  if (RAISE.test(text)) return 'structure';
  if (!traceback.open) return ERROR_NAME.test(text) ? 'error' : 'other';
  if (MARKS.test(text) || REPEATED.test(text) || NOTE_LINES.test(text)) {
    return 'structure';
  }
  if (ERROR_NAME.test(text)) return 'error';
  if (after) traceback.source = text.trim();
  if (after || /^[\s|]{3,}/.test(text)) return 'structure';
  return traceback.frames.length > 0 && ANY_ERROR.test(text) ? 'error' : 'other';
}

/** The error has been read; the next frames are of another traceback. */
export function closeTraceback(traceback: Traceback): void {
  traceback.open = false;
  traceback.sourceFollows = false;
}

/** Frames of the chat page: which program a failed import belongs to is told only by them, so one of them is kept. */
const OF_PAGE = /\/open_webui\//;

function dropFrame(frames: string[]): void {
  const [first = '', ...others] = frames;
  const onlyOfPage = OF_PAGE.test(first) && !others.some((frame) => OF_PAGE.test(frame));
  frames.splice(onlyOfPage ? 1 : 0, 1);
}

function openTraceback(traceback: Traceback): void {
  traceback.open = true;
  traceback.frames = [];
}
