import type { LogLine } from './log-line.ts';

/** `/usr/lib/x.py:129: UserWarning: …`, as Python's `warnings` prints it; its source line follows, indented. */
const PYTHON_WARNING = /^\S.{0,300}:\d+: \w*Warning: ?/;
/** A warning may have so many lines of its own. */
const WARNING_LINES = 8;

/** Libraries print to the terminal what they go on after, without a logger: these are the words they use. */
const NOTICE =
  /\b[Dd]eprecated\b|\bhas no effect\b|\b(?:is|are|will be) ignored\b|\b[Ii]gnored the following\b|\b[Ff]alling back to\b|\bwill be removed in\b|^\w[\w.-]{0,40}: Warning: |^Warning: |^`rope_\w+`'s \w+ field must|^Unrecognized keys in `/;
/** One of these is in every text that NOTICE or PYTHON_WARNING fits; most lines have none. */
const ANY_WORD = /[Dd]eprecated|effect|gnored|alling back|removed|Warning|field must|Unrecognized/;

/** What fails says so, and what it says may quote a warning. */
const FAILS = /\b(?:\w*Error|\w*Exception|error|fatal|failed)\b/;

/** What is none of the further lines of a warning. */
const BEGINS = /^(?:Traceback |usage: |Killed\b)|\b(?:[Ee]rror|fatal|FATAL)\b|\w(?:Error|Exception)\b/;

/** Tells the warnings that one process prints without a logger from the errors that it prints in the same way. */
export interface NoticeReader {
  /** The line, with the level of a warning if it is one or belongs to one. */
  read(line: LogLine, inMessage: boolean): LogLine;
}

/** Makes a reader for the lines of one process; `inMessage` of a line: it may go on with an error. */
export function createNoticeReader(): NoticeReader {
  let left = 0;
  return {
    read(line, inMessage) {
      if (line.level !== null) return line;
      if (left === 0 && !ANY_WORD.test(line.text)) return line;
      if (PYTHON_WARNING.test(line.text)) {
        left = WARNING_LINES;
        return { ...line, level: 'warning' };
      }
      if (left > 0) {
        left -= 1;
        if (/^\s+(?:warnings\.warn\(|(?:import|from|return|self|_?warn)\b)/.test(line.text)) left = 0;
        if (!BEGINS.test(line.text)) return { ...line, level: 'warning' };
        left = 0;
      }
      if (inMessage || !NOTICE.test(line.text)) return line;
      const ignored = /^ignored the following/i.test(line.text);
      return ignored || !FAILS.test(line.text) ? { ...line, level: 'warning' } : line;
    },
  };
}
