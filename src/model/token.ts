import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** How often the token files are looked at. */
const LOOK_EVERY_MS = 5_000;
/** Name of the systemd credential in `$CREDENTIALS_DIRECTORY`. */
const CREDENTIAL_NAME = 'hf-token';

/** The hub token of the moment. It is given to model/hub, and to the redactor, and to nobody else. */
export interface TokenSource {
  /** The token as last read, or null. */
  current(): string | null;
  /** Reads the places again; true when the token is another one than before. */
  refresh(): Promise<boolean>;
  /** Looks every 5 s until the signal aborts and calls back after each change. */
  watch(signal: AbortSignal, onChange: () => void): Promise<void>;
}

/** What {@link createTokenSource} needs. */
export interface TokenOptions {
  /** `/etc/ai-sandbox/hf-token`, in tests another path. */
  file: string;
  /** `$CREDENTIALS_DIRECTORY`, or null. */
  credentialsDirectory: string | null;
  /** `HF_TOKEN`, or null. */
  environment: string | null;
  clock: Clock;
  log: Log;
}

/** The first of file, systemd credential and environment that holds a token. Call `refresh` before the first use. */
export function createTokenSource(options: TokenOptions): TokenSource {
  const { clock, log } = options;
  const places = [options.file];
  if (options.credentialsDirectory !== null) places.push(join(options.credentialsDirectory, CREDENTIAL_NAME));
  let token: string | null = null;
  const warned = new Set<string>();
  const warnOnce = (message: string, fields: Record<string, unknown>) => {
    const key = JSON.stringify([message, fields]);
    if (warned.has(key)) return;
    warned.add(key);
    log.warn(message, fields);
  };

  const readPlace = async (path: string): Promise<string | null> => {
    try {
      const text = cleanToken(await readFile(path, 'utf8'));
      if (text === undefined) warnOnce('the file holds no usable hub token', { path });
      else if (text !== null && path === options.file && ((await stat(path)).mode & 0o077) !== 0) {
        warnOnce('the file with the hub token can be read by others; chmod 600 it', { path });
      }
      return text ?? null;
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') {
        warnOnce('the hub token cannot be read', { path, cause: errorMessage(error) });
      }
      return null;
    }
  };
  const refresh = async (): Promise<boolean> => {
    const before = token;
    let found: string | null = null;
    for (const path of places) found ??= await readPlace(path);
    token = found ?? cleanToken(options.environment ?? '') ?? null;
    return token !== before;
  };

  return {
    current: () => token,
    refresh,
    async watch(signal, onChange) {
      while (!signal.aborted) {
        await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
        if (!signal.aborted && (await refresh())) onChange();
      }
    },
  };
}

/** The token in a text; null for an empty one; undefined for one that cannot stand in a header. */
function cleanToken(text: string): string | null | undefined {
  const token = text.trim();
  if (token === '') return null;
  return /^[\x21-\x7e]{1,512}$/.test(token) ? token : undefined;
}
