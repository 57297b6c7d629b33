import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import {
  findLogin,
  type LoginSource,
  parseHelperAnswer,
  type RegistryLogin,
  registryAuthHeader,
} from './docker-config.ts';

/** Logins for registries. */
export interface Credentials {
  /**
   * Value of `X-Registry-Auth` for a registry (`docker.io`, `localhost:5000`), or null when nothing is saved for it.
   * Files are read anew at each call, so that a login counts at once. Rejects only with the reason of `signal`.
   */
  authHeader(registry: string, signal?: AbortSignal): Promise<string | null>;
}

/** No logins at all. */
export const noCredentials: Credentials = { authHeader: async () => null };

/** Login of this daemon alone; wins over the one of the user it runs as. */
const OWN_CONFIG_FILE = '/etc/ai-sandbox/docker/config.json';
/** A helper may ask a keychain or a cloud service. */
const HELPER_DEADLINE_MS = 5_000;
const HELPER_OUTPUT_LIMIT_BYTES = 64 * 1024;

/** What {@link createCredentials} needs. */
export interface CredentialParts {
  clock: Clock;
  redactor: Redactor;
  log: Log;
  /** Config files, the first with a login for the registry wins. Default: {@link dockerConfigFiles} of the process. */
  files?: readonly string[];
  /** Environment of the helpers; they are looked up on its PATH. */
  environment?: Record<string, string | undefined>;
}

/** The own file, then the ordinary one of the Docker command line: `$DOCKER_CONFIG` or `~/.docker`. */
export function dockerConfigFiles(environment: Record<string, string | undefined>): string[] {
  const directory = environment['DOCKER_CONFIG'] || join(environment['HOME'] || homedir(), '.docker');
  return [OWN_CONFIG_FILE, join(directory, 'config.json')];
}

/** Reads logins from Docker config files. Every secret is told to the redactor before it is used. */
export function createCredentials(parts: CredentialParts): Credentials {
  const environment = parts.environment ?? process.env;
  const files = parts.files ?? dockerConfigFiles(environment);
  const resolve = async (source: LoginSource, signal?: AbortSignal): Promise<RegistryLogin | null> => {
    if (source.kind === 'saved') return source.login;
    const program = `docker-credential-${source.helper}`;
    try {
      const output = await withDeadline(
        parts.clock,
        program,
        HELPER_DEADLINE_MS,
        (limit) => askHelper(program, source.serverAddress, environment, limit),
        signal,
      );
      return parseHelperAnswer(output);
    } catch (error) {
      signal?.throwIfAborted();
      parts.log.warn('a credential helper gave no login', { program, error: errorMessage(error) });
      return null;
    }
  };
  return {
    async authHeader(registry, signal) {
      for (const file of files) {
        const source = await readLogin(file, registry, parts.log);
        const login = source === null ? null : await resolve(source, signal);
        if (login === null) continue;
        const header = registryAuthHeader(login, registry);
        parts.redactor.learn([...secretsOf(login), header]);
        return header;
      }
      return null;
    },
  };
}

async function readLogin(file: string, registry: string, log: Log): Promise<LoginSource | null> {
  try {
    return findLogin(await readFile(file, 'utf8'), registry);
  } catch (error) {
    // a JSON error quotes the text around it, which may be a password
    const reason = errorCode(error) ?? 'it is not JSON';
    if (reason !== 'ENOENT') log.warn('a Docker config file cannot be used', { file, reason });
    return null;
  }
}

function secretsOf(login: RegistryLogin): string[] {
  if (login.kind === 'identity_token') return [login.token];
  return [login.password, Buffer.from(`${login.username}:${login.password}`).toString('base64')];
}

/** Runs `<program> get` with the address on standard input (github.com/docker/docker-credential-helpers); what it printed. */
function askHelper(
  program: string,
  address: string,
  environment: Record<string, string | undefined>,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], {
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
    });
    const parts: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > HELPER_OUTPUT_LIMIT_BYTES) child.kill('SIGKILL');
      else parts.push(chunk);
    });
    child.on('error', reject);
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${address}\n`);
    child.on('close', (code) => {
      // its output may hold a secret, so only the code is told
      if (code === 0) resolve(Buffer.concat(parts).toString('utf8'));
      else reject(new Error(`exit code ${code ?? 'none'}`));
    });
  });
}
