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
