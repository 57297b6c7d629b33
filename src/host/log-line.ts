import { toPlainLine } from '../lib/plain-text.ts';

/** Names of the levels, as numbered by pino. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
export type LogLevel = keyof typeof LEVELS;

/** Priorities of syslog that the journal understands as `<N>` at the start of a line (sd-daemon(3)). */
function journalPriority(level: number): 2 | 3 | 4 | 6 | 7 {
  if (level >= 60) return 2;
  if (level >= LEVELS.error) return 3;
  if (level >= LEVELS.warn) return 4;
  return level >= LEVELS.info ? 6 : 7;
}

/** One record as it comes from pino. */
export interface LogRecord {
  level: number;
  message: string;
  fields: Readonly<Record<string, unknown>>;
}

/** `message key=value …`: one readable line without control characters; values with spaces are quoted. */
function recordText({ message, fields }: LogRecord): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${valueText(value)}`);
  return toPlainLine([message, ...pairs].join(' '));
}

/** For the journal, which dates every line itself. */
export function journalLine(record: LogRecord): string {
  return `<${journalPriority(record.level)}>${recordText(record)}`;
}

/** For files and pipes: dated, with the name of the level. */
export function plainLine(record: LogRecord, date: Date): string {
  return `${date.toISOString()} ${levelName(record.level)} ${recordText(record)}`;
}

/** ANSI SGR codes: what needs attention stands out. */
const COLOURS: Readonly<Record<string, number>> = { ERROR: 31, WARN: 33, DEBUG: 2 };

/** For a terminal: local time, level in colour where it is not the ordinary one. */
export function terminalLine(record: LogRecord, date: Date): string {
  const name = levelName(record.level);
  const colour = COLOURS[name];
  const level = name.padEnd(5);
  const shown = colour === undefined ? level : `\u001b[${colour}m${level}\u001b[0m`;
  return `${date.toTimeString().slice(0, 8)} ${shown} ${recordText(record)}`;
}

function levelName(level: number): string {
  if (level >= LEVELS.error) return 'ERROR';
  if (level >= LEVELS.warn) return 'WARN';
  return level >= LEVELS.info ? 'INFO' : 'DEBUG';
}

function valueText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? String(value);
  return value === '' || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}
