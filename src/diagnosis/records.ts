import { type LogLine, levelOf } from './log-line.ts';

/** A record of vLLM that stands inside a line: the process it names, its level, its source file. */
const RECORD =
  /(?:\(([^()]{0,80}?\bpid=\d+[^()]{0,80})\) )?\b(DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d (?:\[([^\]\s:]{1,120}):\d+\]|([^\]\s:]{1,120}):\d+\]) ?/g;
/** Part of every record; looking for it is cheaper than the expression. */
const RECORD_WORDS = /[GOLR] \d\d-\d\d \d\d:/;
/** What stands before a record and is shorter is what a program that passes it on has put there. */
const MAXIMUM_PREFIX = 24;

/**
 * The records of one line, each as a line of its own. A bar of progress ends without a line feed, a program that passes
 * on another's output puts words of its own in front, and whoever pastes a log may lose its line feeds.
 */
export function splitRecords(line: LogLine): readonly LogLine[] {
  if (!RECORD_WORDS.test(line.text)) return [line];
  const found = [...line.text.matchAll(RECORD)];
  const [first] = found;
  // A record that was read already may quote another one.
  if (first === undefined || (line.file !== '' && found.length < 2)) return [line];
  const head = line.text.slice(0, first.index);
  const records = found.map((match, at): LogLine => {
    const [prefix, process = line.process, level = '', file, bareFile = ''] = match;
    const text = line.text.slice(match.index + prefix.length, found[at + 1]?.index).trimEnd();
    return { container: line.container, process, level: levelOf(level), file: file ?? bareFile, text };
  });
  return head.trim().length <= MAXIMUM_PREFIX && line.file === ''
    ? records
    : [{ ...line, text: head.trimEnd() }, ...records];
}
