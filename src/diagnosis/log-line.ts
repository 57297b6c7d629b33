import { stripVTControlCharacters } from 'node:util';
import { prefixesAt, type Told } from './log-prefixes.ts';

/**
 * Of a longer line only its head and its tail are looked at: messages are shorter, dumps of settings are not, and a traceback
 * that was made one line has its error at its end.
 */
const MAXIMUM_LENGTH = 4096;
const HEAD_LENGTH = 3072;
const TAIL_LENGTH = 1024;
/** Prefixes of several wrappers may stand in front of each other: an engine's, a terminal's, a process's, a logger's. */
const MAXIMUM_PREFIXES = 10;
const ASCII_END = 0x80;
const BLANK = 0x20;

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

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

/** Frames that terminals draw around a message: typer's boxes, rich's tracebacks. */
const BOX = /^[\s]*[│┃║] ?(.*?) *[│┃║]? *$/;

/** What a terminal was told, also where the escape character before it was lost. */
const COLOUR = /\ufffd?\[\d{1,2}(?:;\d{1,3}){0,4}m/g;
const TRAILING = /[\s│┃]+$/;

/** Reads one line of any log. */
export function readLogLine(raw: string): LogLine {
  let line = raw.length > MAXIMUM_LENGTH ? `${raw.slice(0, HEAD_LENGTH)} … ${raw.slice(-TAIL_LENGTH)}` : raw;
  if (line.includes('\u001b')) line = stripVTControlCharacters(line);
  if (line.includes('[') && line.includes('m')) line = line.replace(COLOUR, '');
  if (line.startsWith('{')) line = fromJson(line);
  const found: LogLine = { container: '', process: '', level: null, file: '', text: '' };
  let at = 0;
  for (let count = 0; count < MAXIMUM_PREFIXES; count++) {
    const length = takePrefix(line, at, found);
    if (length === 0) break;
    at += length;
  }
  found.text = trimEnd(at === 0 ? line : line.slice(at));
  if (found.text.startsWith('{') && at > 0) found.text = fromJson(found.text);
  return found;
}

/** Without what a terminal's frame or a blank leaves at its end. */
function trimEnd(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last > BLANK && last < ASCII_END ? text : text.replace(TRAILING, '');
}

/** Text of a box without its frame; null when the line is not of one. */
export function boxText(text: string): string | null {
  return BOX.exec(text)?.[1] ?? null;
}

/** Takes one prefix at `at` into what is known; returns its length, 0 for none. */
function takePrefix(line: string, at: number, found: LogLine): number {
  for (const prefix of prefixesAt(line, at)) {
    if (prefix.logger === true && found.level !== null) continue;
    prefix.pattern.lastIndex = at;
    const match = prefix.pattern.exec(line);
    if (match === null || match[0] === '') continue;
    if (prefix.tells !== undefined) {
      for (let index = 0; index < prefix.tells.length; index++) {
        take(prefix.tells[index], match[index + 1], found);
      }
    }
    return match[0].length;
  }
  return 0;
}

/** The level that a word of a logger means; null: it is none. */
export function levelOf(word: string): LogLevel | null {
  return LEVELS[word.toUpperCase()] ?? null;
}

function take(what: Told | undefined, value: string | undefined, found: LogLine): void {
  if (value === undefined) return;
  if (what === 'container') found.container = value;
  else if (what === 'process' && found.process === '') found.process = value;
  else if (what === 'level') found.level = levelOf(value);
  else if (what === 'file') found.file = value;
}

const TEXT_KEYS = ['log', 'message', 'msg', 'MESSAGE', 'event'];
const CONTAINER_KEYS = ['CONTAINER_NAME'];
const LEVEL_KEYS = ['levelname', 'level', 'severity'];

/** A line of Docker's json-file, or of a logger that writes JSON, as text with its level in front. */
function fromJson(line: string): string {
  if (!line.endsWith('}')) return line;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null) return line;
    const text = firstText(parsed, TEXT_KEYS);
    if (text === null) return line;
    const level = firstText(parsed, LEVEL_KEYS);
    // Written as docker compose does, so that the programs in one journal are told apart.
    const container = firstText(parsed, CONTAINER_KEYS);
    const told = level === null ? text : `${level.toUpperCase()}: ${text}`;
    return (container === null ? told : `${container} | ${told}`).split(/[\r\n]/, 1)[0] ?? '';
  } catch {
    return line;
  }
}

/** The first of these keys that has a text; null: none. The journal writes a text with colours as the list of its bytes. */
function firstText(record: object, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value: unknown = Reflect.get(record, key);
    if (typeof value === 'string' && value !== '') return value;
    if (Array.isArray(value) && value.length > 0 && value.every((byte) => typeof byte === 'number')) {
      return stripVTControlCharacters(Buffer.from(value).toString());
    }
  }
  return null;
}
