import { chmod, readFile, realpath, stat } from 'node:fs/promises';
import { writeDurably } from '../lib/durable-file.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import { parseEnvironmentFile, setInEnvironmentFile } from './environment-file.ts';
import type { ComposeError } from './service-spec.ts';

/** The model that is served where nobody chose another one. */
const DEFAULT_MODEL_ID = 'mistralai/Mistral-7B-Instruct-v0.3';

/** Sign-in of the chat page's first administrator. Open WebUI wants the form of an e-mail address and never writes to it. */
const DEFAULT_ADMIN_EMAIL = 'admin@example.com';

/** Owner alone may read and write: the file holds secrets. */
const ENVIRONMENT_FILE_MODE = 0o600;

/** Random bytes of a key; twice what nobody can guess. */
const KEY_BYTES = 32;

/** Random bytes of the password that a person types once. */
const PASSWORD_BYTES = 15;

const HEADER =
  '# The model and the secrets of ai-sandbox, read by docker compose too. A value that stands here is never changed by itself.\n';

/** A source of randomness; `crypto.randomBytes` outside of tests. */
export type RandomBytes = (count: number) => Uint8Array;

/** What the environment file holds afterwards. Exactly one of the three stands in an answer. */
export type Ensured =
  | EnsuredEnvironment
  /** The file cannot be read or has errors: whoever loads it finds the same. */
  | { errors: ComposeError[] }
  /** Why the file, which is not complete or is open to others, could not be written. */
  | { unwritable: string };

interface EnsuredEnvironment {
  values: Record<string, string>;
  /** Names that were added; empty when everything was there. */
  created: string[];
  /** Whether the file could be read by others before. */
  tightened: boolean;
}

/** The values that the text lacks, in the order they are written in. A name that stands there, even empty, is never missing. */
export function missingValues(
  present: Record<string, string>,
  modelId: string,
  randomBytes: RandomBytes,
): Record<string, string> {
  const wanted: [string, () => string][] = [
    ['MODEL_ID', () => modelId],
    ['VLLM_API_KEY', () => `sk-${secret(randomBytes, KEY_BYTES)}`],
    ['WEBUI_SECRET_KEY', () => secret(randomBytes, KEY_BYTES)],
    ['WEBUI_ADMIN_EMAIL', () => DEFAULT_ADMIN_EMAIL],
    ['WEBUI_ADMIN_PASSWORD', () => secret(randomBytes, PASSWORD_BYTES)],
  ];
  return Object.fromEntries(
    wanted.filter(([name]) => !Object.hasOwn(present, name)).map(([name, make]) => [name, make()]),
  );
}

/**
 * Makes the `.env` beside the compose file complete: creates it (0600, durably), or adds what is missing of the model id and
 * the secrets; values that are there stay. A file that others could read is tightened to 0600. `modelId` is written where
 * none stands there. A link is followed. Never throws: what went wrong comes back, and nothing was changed.
 */
export async function ensureEnvironmentFile(options: {
  path: string;
  modelId?: string;
  randomBytes: RandomBytes;
}): Promise<Ensured> {
  const fail = (message: string) => ({
    errors: [{ file: options.path, line: 1, column: 1, key: '', message }],
  });
  const found = await readExisting(options.path).catch((error: unknown) => ({ reason: errorMessage(error) }));
  if (found === 'not a file') return fail('a directory or device stands where the file should be');
  if ('reason' in found) return fail(`the file cannot be read: ${found.reason}`);
  const { path, text, mode } = found;
  const parsed = parseEnvironmentFile(text ?? HEADER, options.path);
  if (parsed.errors.length > 0) return { errors: parsed.errors };
  const added = missingValues(parsed.values, options.modelId ?? DEFAULT_MODEL_ID, options.randomBytes);
  const created = Object.keys(added);
  const tightened = mode !== null && (mode & 0o077) !== 0;
  try {
    if (created.length > 0)
      await writeDurably(path, setInEnvironmentFile(text ?? HEADER, added), { mode: ENVIRONMENT_FILE_MODE });
    else if (tightened) await chmod(path, ENVIRONMENT_FILE_MODE);
  } catch (error) {
    const wanted = created.length > 0 ? `${created.join(', ')} cannot be added` : 'others can read it';
    return { unwritable: `${wanted}: ${errorMessage(error)}` };
  }
  return { values: { ...parsed.values, ...added }, created, tightened };
}

async function readExisting(
  path: string,
): Promise<{ path: string; text: string | null; mode: number | null } | 'not a file'> {
  try {
    const real = await realpath(path);
    const { mode, isFile } = await stat(real).then((info) => ({ mode: info.mode, isFile: info.isFile() }));
    if (!isFile) return 'not a file';
    return { path: real, text: await readFile(real, 'utf8'), mode: mode & 0o777 };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { path, text: null, mode: null };
    throw error;
  }
}

/** Letters, digits, `-` and `_`: needs quotes in no file, shell or URL. */
function secret(randomBytes: RandomBytes, count: number): string {
  return Buffer.from(randomBytes(count)).toString('base64url');
}
