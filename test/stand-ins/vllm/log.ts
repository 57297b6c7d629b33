/** Which process of vLLM speaks; it stands in front of each line with its process id. */
export type Speaker = 'APIServer' | 'EngineCore';
export type Level = 'INFO' | 'WARNING' | 'ERROR';

/** One record, before it has a time: `[file:line] message`, several lines allowed. */
export interface LogRecord {
  level: Level;
  /** `file.py:123` as vLLM prints it. */
  source: string;
  text: string;
}

/** Makes a record; INFO unless told. */
export function record(source: string, text: string, level: Level = 'INFO'): LogRecord {
  return { level, source, text };
}

/**
 * A record in the form of vLLM's own formatter: `(APIServer pid=1) INFO 11-23 17:44:26 [api_server.py:140] text`.
 * The prefix is repeated on each line of a message.
 */
function formatRecord(speaker: Speaker, pid: number, at: Date, entry: LogRecord): string {
  const time = at.toISOString();
  const stamp = `${time.slice(5, 10)} ${time.slice(11, 19)}`;
  return entry.text
    .split('\n')
    .map((line) => `(${speaker} pid=${pid}) ${entry.level} ${stamp} [${entry.source}] ${line}\n`)
    .join('');
}

/** Prints a record on standard output, where vLLM's logger writes. */
export function print(speaker: Speaker, entry: LogRecord): void {
  process.stdout.write(formatRecord(speaker, process.pid, new Date(), entry));
}

/** Prints lines as a traceback or uvicorn's logger does: prefix, but no level and time. */
export function printPlain(speaker: Speaker, text: string): void {
  for (const line of text.split('\n')) process.stderr.write(`(${speaker} pid=${process.pid}) ${line}\n`);
}
