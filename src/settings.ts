import { isAbsolute, join } from 'node:path';
import { isLoopbackHost } from './lib/loopback.ts';
import { modelIdentifierFault } from './lib/model-identifier.ts';
import { createRedactor } from './lib/redact.ts';

/** Exit code for a bad setting (`EX_CONFIG` of sysexits.h): systemd does not restart on it. */
export const EXIT_CONFIGURATION = 78;

/** One setting of the daemon: an environment variable; the unit reads `/etc/default/ai-sandbox`. */
export interface SettingRow {
  variable: string;
  /** Default as shown; '' means not set. */
  default: string;
  /** What is allowed, for the error line and the README. */
  allowed: string;
  meaning: string;
}

/** The one table of settings; the README's table is generated from it (`npm run docs`). */
export const SETTING_TABLE = {
  template: {
    variable: 'AI_SANDBOX_TEMPLATE',
    default: '',
    allowed: 'gpu or cpu',
    meaning:
      'Which compose file is put where there is none; not set: the one that fits the machine. `cpu` also says that no GPU is wanted.',
  },
  composeFile: {
    variable: 'AI_SANDBOX_COMPOSE_FILE',
    default: '/opt/ai-sandbox/docker-compose.yml',
    allowed: 'an absolute path',
    meaning: 'The compose file that says what runs; `.env` stands beside it.',
  },
  listen: {
    variable: 'AI_SANDBOX_LISTEN',
    default: '127.0.0.1:9000',
    allowed: 'ADDRESS:PORT of a loopback address, for example 127.0.0.1:9000 or [::1]:9000',
    meaning: 'Where `/status`, `/livez` and `/readyz` are answered (read only).',
  },
  socketPath: {
    variable: 'AI_SANDBOX_SOCKET',
    default: '/run/ai-sandbox/control.sock',
    allowed: 'an absolute path of at most 107 bytes',
    meaning: 'The Unix socket of the `ai-sandbox` command (root and group `ai-sandbox`).',
  },
  settingsFile: {
    variable: 'AI_SANDBOX_SETTINGS_FILE',
    default: '',
    allowed: 'an absolute path',
    meaning: 'The file behind these variables, which a reload reads again; the unit sets it.',
  },
  stateDirectory: {
    variable: 'AI_SANDBOX_STATE_DIR',
    default: '/var/lib/ai-sandbox',
    allowed: 'an absolute path',
    meaning: 'Where the state file is kept: intent, counters, history.',
  },
  logDirectory: {
    variable: 'AI_SANDBOX_LOG_DIR',
    default: '/var/log/ai-sandbox',
    allowed: 'an absolute path',
    meaning: 'Where `deployment.log` and `model-download.log` are written.',
  },
  motdFile: {
    variable: 'AI_SANDBOX_MOTD_FILE',
    default: '/etc/motd',
    allowed: 'an absolute path',
    meaning: 'The login message; the text of others in it is kept.',
  },
  credentialsUser: {
    variable: 'AI_SANDBOX_CREDENTIALS_USER',
    default: '',
    allowed: 'the name of a user of this machine',
    meaning:
      'The user in whose home `.credentials` is written (0600); the unit sets root. Not set: no such file.',
  },
  console: {
    variable: 'AI_SANDBOX_CONSOLE',
    default: '',
    allowed: 'an absolute path',
    meaning:
      'The device on which the end of the deployment and problems are told; the unit sets `/dev/console`.',
  },
  metadataUrl: {
    variable: 'AI_SANDBOX_METADATA_URL',
    default: 'http://169.254.169.254',
    allowed: 'an http or https address',
    meaning: 'The metadata service of the cloud.',
  },
  dockerSocket: {
    variable: 'DOCKER_HOST',
    default: 'unix:///var/run/docker.sock',
    allowed: 'unix:///PATH (tcp and ssh are not supported: the daemon needs the same machine)',
    meaning: 'The socket of the Docker engine.',
  },
  hubEndpoint: {
    variable: 'HF_ENDPOINT',
    default: 'https://huggingface.co',
    allowed: 'an https address, or http on a loopback name',
    meaning: 'The model hub, or a mirror of it.',
  },
  hubToken: {
    variable: 'HF_TOKEN',
    default: '',
    allowed: 'a token without spaces',
    meaning: 'Hub token for development; on a server put it into `/etc/ai-sandbox/hf-token`.',
  },
  hubTokenFile: {
    variable: 'AI_SANDBOX_HF_TOKEN_FILE',
    default: '/etc/ai-sandbox/hf-token',
    allowed: 'an absolute path',
    meaning: 'The file of the hub token (0600); a change is noticed.',
  },
  hubCaFile: {
    variable: 'SSL_CERT_FILE',
    default: '',
    allowed: 'an absolute path',
    meaning:
      'Further certificate authorities (PEM) for the hub, its mirrors and proxies, beside those of the system.',
  },
  pinnedModelId: {
    variable: 'MODEL_ID',
    default: '',
    allowed: 'a model id of the form org/name: letters, digits, ".", "_" and "-", but no ".." or "--"',
    meaning: 'The model; set here it wins over `.env` and shows as pinned.',
  },
  silenceLimitMs: {
    variable: 'AI_SANDBOX_START_SILENCE_SECONDS',
    default: '600',
    allowed: 'a whole number of seconds from 10 to 86400',
    meaning: 'A starting service that moves nothing (bytes, log lines, phases) for so long is restarted.',
  },
  diskReserveBytes: {
    variable: 'AI_SANDBOX_DISK_RESERVE_BYTES',
    default: '5368709120',
    allowed: 'a whole number of bytes',
    meaning: 'Space that is kept free on every file system (5 GiB).',
  },
  downloadBytesPerSecond: {
    variable: 'AI_SANDBOX_DOWNLOAD_BYTES_PER_SECOND',
    default: '',
    allowed: 'a whole number of bytes a second from 1000',
    meaning: 'All connections of a model download together are held to this rate; not set is no limit.',
  },
  logLevel: {
    variable: 'AI_SANDBOX_LOG_LEVEL',
    default: 'info',
    allowed: 'error, warn, info or debug',
    meaning: 'What goes to the journal.',
  },
} as const satisfies Record<string, SettingRow>;

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
