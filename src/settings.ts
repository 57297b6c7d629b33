import { isAbsolute, join } from 'node:path';
import { isLoopbackHost } from './lib/loopback.ts';
import { modelIdentifierFault } from './lib/model-identifier.ts';
import { createRedactor } from './lib/redact.ts';
import { SETTING_TABLE } from './settings-table.ts';

/** Exit code for a bad setting (`EX_CONFIG` of sysexits.h): systemd does not restart on it. */
export const EXIT_CONFIGURATION = 78;

/** Settings after checking; paths absolute, times in milliseconds, sizes in bytes. */
export interface Settings {
  template: 'gpu' | 'cpu' | null;
  composeFile: string;
  listen: { host: string; port: number };
  socketPath: string;
  settingsFile: string | null;
  stateDirectory: string;
  logDirectory: string;
  motdFile: string;
  /** Null: no file of credentials is wanted. */
  credentialsUser: string | null;
  /** Null: nothing is told there. */
  console: string | null;
  metadataUrl: string;
  /** Path of the engine's Unix socket. */
  dockerSocket: string;
  /** Address of the hub without a slash at its end. */
  hubEndpoint: string;
  hubToken: string | null;
  hubTokenFile: string;
  /** Null: only the authorities of Node and of the system. */
  hubCaFile: string | null;
  /** `MODEL_ID` of the daemon's environment; null: the one in `.env` counts. */
  pinnedModelId: string | null;
  silenceLimitMs: number;
  diskReserveBytes: number;
  /** Null is no limit. */
  downloadBytesPerSecond: number | null;
  logLevel: 'error' | 'warn' | 'info' | 'debug';
}

type SettingName = keyof typeof SETTING_TABLE;

/** Linux's limit for the path of a Unix socket, without its final NUL. */
const SOCKET_PATH_MAXIMUM_BYTES = 107;

const parsers: { [Name in SettingName]: (text: string) => Settings[Name] | undefined } = {
  template: (text) => (text === '' ? null : text === 'gpu' || text === 'cpu' ? text : undefined),
  composeFile: absolutePath,
  listen: loopbackAddress,
  socketPath: (text) =>
    Buffer.byteLength(text) <= SOCKET_PATH_MAXIMUM_BYTES ? absolutePath(text) : undefined,
  settingsFile: (text) => (text === '' ? null : absolutePath(text)),
  stateDirectory: absolutePath,
  logDirectory: absolutePath,
  motdFile: absolutePath,
  credentialsUser: (text) => (text === '' ? null : /^[a-z_][a-z0-9_-]{0,31}$/.test(text) ? text : undefined),
  console: (text) => (text === '' ? null : absolutePath(text)),
  metadataUrl: (text) => webAddress(text, () => true),
  dockerSocket: (text) =>
    text.startsWith('unix://') ? absolutePath(text.slice('unix://'.length)) : undefined,
  hubEndpoint: (text) => webAddress(text, (url) => url.protocol === 'https:' || isLoopbackHost(url.hostname)),
  hubToken: (text) => (text === '' ? null : /^\S+$/.test(text) ? text : undefined),
  hubTokenFile: absolutePath,
  hubCaFile: (text) => (text === '' ? null : absolutePath(text)),
  pinnedModelId: (text) => (text === '' ? null : modelIdentifierFault(text) === null ? text : undefined),
  silenceLimitMs: (text) => wholeNumber(text, 10, 86_400, 1000),
  diskReserveBytes: (text) => wholeNumber(text, 0, Number.MAX_SAFE_INTEGER, 1),
  downloadBytesPerSecond: (text) =>
    text === '' ? null : wholeNumber(text, 1000, Number.MAX_SAFE_INTEGER, 1),
  logLevel: (text) =>
    text === 'error' || text === 'warn' || text === 'info' || text === 'debug' ? text : undefined,
};

/** Settings whose value is a secret and is not repeated in an error line. */
const SECRET_SETTINGS: ReadonlySet<SettingName> = new Set(['hubToken']);

/**
 * Reads the settings from an environment. Each error is one line that names the variable, its value and what is allowed.
 * An empty variable counts as not set.
 */
export function loadSettings(
  environment: Readonly<Record<string, string | undefined>>,
): { settings: Settings } | { errors: string[] } {
  const errors: string[] = [];
  // A value in the wrong place may be a secret, or an address with one in it.
  const redactor = createRedactor();
  const read = <Name extends SettingName>(name: Name): Settings[Name] => {
    const row = SETTING_TABLE[name];
    const text = environment[row.variable]?.trim() || row.default;
    const value = parsers[name](text);
    if (value === undefined) {
      const shown = SECRET_SETTINGS.has(name) ? 'a value that is not shown' : JSON.stringify(text);
      errors.push(`${row.variable} is ${redactor.redact(shown)}; allowed is ${row.allowed}`);
    }
    return value as Settings[Name];
  };
  const settings: Settings = {
    template: read('template'),
    composeFile: read('composeFile'),
    listen: read('listen'),
    socketPath: read('socketPath'),
    settingsFile: read('settingsFile'),
    stateDirectory: read('stateDirectory'),
    logDirectory: read('logDirectory'),
    motdFile: read('motdFile'),
    credentialsUser: read('credentialsUser'),
    console: read('console'),
    metadataUrl: read('metadataUrl'),
    dockerSocket: read('dockerSocket'),
    hubEndpoint: read('hubEndpoint'),
    hubToken: read('hubToken'),
    hubTokenFile: read('hubTokenFile'),
    hubCaFile: read('hubCaFile'),
    pinnedModelId: read('pinnedModelId'),
    silenceLimitMs: read('silenceLimitMs'),
    diskReserveBytes: read('diskReserveBytes'),
    downloadBytesPerSecond: read('downloadBytesPerSecond'),
    logLevel: read('logLevel'),
  };
  return errors.length > 0 ? { errors } : { settings };
}

function absolutePath(text: string): string | undefined {
  return isAbsolute(text) && !text.includes('\0') ? join(text) : undefined;
}

function wholeNumber(text: string, minimum: number, maximum: number, unit: number): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= minimum && value <= maximum ? value * unit : undefined;
}

function loopbackAddress(text: string): Settings['listen'] | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  const port = Number(match[2]);
  return isLoopbackHost(host) && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

function webAddress(text: string, allowed: (url: URL) => boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || !allowed(url))
    return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return url.href.replace(/\/+$/, '');
}
