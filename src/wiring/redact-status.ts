import type { Redactor } from '../lib/redact.ts';
import type { Status } from '../status/schema.ts';

/**
 * Keys of `/status` whose text comes from outside: engines, hubs, containers, and what a person wrote into a file, perhaps
 * into the wrong line. All other texts are words, times, names and paths of our own.
 */
const FOREIGN_TEXTS: ReadonlySet<string> = new Set([
  'detail',
  'cause',
  'log_tail',
  'model_identifier',
  'default_model_identifier',
]);

/** The status without secrets: everything that is shown or kept is made from it. */
export function redactStatus(status: Status, redactor: Pick<Redactor, 'redact'>): Status {
  return JSON.parse(JSON.stringify(status), (key, value: unknown) => {
    if (!FOREIGN_TEXTS.has(key)) return value;
    if (typeof value === 'string') return redactor.redact(value);
    if (!Array.isArray(value)) return value;
    return value.map((line: unknown) => (typeof line === 'string' ? redactor.redact(line) : line));
  }) as Status;
}
