import { fstatSync } from 'node:fs';
import { type DestinationStream, destination, pino } from 'pino';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import { journalLine, type LogLevel, type LogRecord, plainLine, terminalLine } from './log-line.ts';

/** Options of {@link createJournalLog}. */
export interface JournalLogOptions {
  /** Standard output goes to the journal: see {@link isJournalStream}. */
  stdoutIsJournal: boolean;
  isTty: boolean;
  redactor: Redactor;
  /** The least level that is written. */
  level: LogLevel;
  /** Where lines go; standard output by default, written at once, so that the last words of a crash are kept. */
  output?: DestinationStream;
  now?: () => Date;
}

/** The log of the daemon. */
export interface JournalLog extends Log {
  /** The least level that is written from now on. */
  setLevel(level: LogLevel): void;
}

/** Whether a descriptor is the one that systemd connected to the journal: JOURNAL_STREAM is its `device:inode`. */
export function isJournalStream(env: Readonly<Record<string, string | undefined>>, descriptor = 1): boolean {
  const stream = env['JOURNAL_STREAM'];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(descriptor);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/**
 * Makes the log of the daemon: one readable line per record, with `<N>` priorities for the journal, in colour for a
 * terminal. Every line goes through the redactor. An error among the fields is one sentence; its stack is written at level
 * debug only, on the same line.
 */
export function createJournalLog(options: JournalLogOptions): JournalLog {
  const { redactor, now = () => new Date() } = options;
  const output = options.output ?? standardOutput();
  const format = (record: LogRecord) => {
    if (options.stdoutIsJournal) return journalLine(record);
    return options.isTty ? terminalLine(record, now()) : plainLine(record, now());
  };
  const logger = pino(
    { level: options.level, base: null, timestamp: false },
    { write: (json: string) => output.write(`${redactor.redact(format(toRecord(json)))}\n`) },
  );
  const writeAt =
    (level: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (!logger.isLevelEnabled(level)) return;
      // Under one key of our own, so that a field never collides with those of pino.
      logger[level](
        { fields: plainFields(fields, redactor, logger.isLevelEnabled('debug')) },
        redactor.redact(message),
      );
    };
  return {
    error: writeAt('error'),
    warn: writeAt('warn'),
    info: writeAt('info'),
    debug: writeAt('debug'),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}

/** A reader that has gone away (EPIPE) must not end the daemon. */
function standardOutput(): DestinationStream {
  const output = destination({ fd: 1, sync: true });
  output.on('error', () => undefined);
  return output;
}

/** Text is cleaned before it is folded to one line, because a secret may hold what folding changes. */
function plainFields(
  fields: Record<string, unknown>,
  redactor: Redactor,
  withStacks: boolean,
): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  const set = (name: string, text: string) => {
    plain[name] = redactor.redact(text);
  };
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) {
      set(name, errorMessage(value));
      if (withStacks) set(`${name}_stack`, value.stack ?? '');
    } else if (typeof value === 'string' || typeof value === 'bigint') set(name, String(value));
    else plain[name] = value;
  }
  return plain;
}

function toRecord(json: string): LogRecord {
  const record: { level: number; msg?: string; fields?: Record<string, unknown> } = JSON.parse(json);
  return { level: record.level, message: record.msg ?? '', fields: record.fields ?? {} };
}
