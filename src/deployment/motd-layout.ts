import { toAsciiLine, wrapLine } from '../lib/plain-text.ts';

/** No line is longer, so that nothing wraps on a console of 80 columns. */
export const MOTD_WIDTH = 78;

/** Column at which the values of entries begin. */
const VALUE_COLUMN = 15;

/** What the text needs beyond the status. */
export interface MotdOptions {
  /** Home of the generated secrets; named, never read. */
  envFile: string;
  /** The file with the credentials of this product; null where none is written. */
  credentialsFile: string | null;
  /** Path of this message, which a person may remove. */
  motdFile: string;
  /** Whom a tunnel is opened to, e.g. `root@203.0.113.9`. */
  ssh: string;
  logDirectory: string;
  /** Address of the daemon itself, e.g. `127.0.0.1:9000`. */
  listen: string;
  /** Addresses on the host at which services are published, as the engine reports them. */
  published: Readonly<Record<string, readonly { hostIp: string; hostPort: number }[]>>;
  /** The daemon ends: the text says so, because nobody updates it from now on. */
  stopped?: boolean;
}

/** `label` padded to a column, then the value, wrapped under itself; both made harmless. */
export function entry(label: string, value: string): string[] {
  const indent = ' '.repeat(VALUE_COLUMN);
  const title = `  ${toAsciiLine(label).slice(0, VALUE_COLUMN - 3)}`.padEnd(VALUE_COLUMN);
  const lines = wrapLine(toAsciiLine(value), MOTD_WIDTH, indent);
  return lines.map((line, at) => (at === 0 ? title + line.slice(VALUE_COLUMN) : line));
}
