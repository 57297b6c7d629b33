import { normaliseRegistry } from './image-reference.ts';
import { asRecord, asText, asTextRecord } from './json-reader.ts';

/** What a saved login consists of. */
export type RegistryLogin =
  | { kind: 'password'; username: string; password: string }
  | { kind: 'identity_token'; token: string };

/** Where the login of one registry is to be found. */
export type LoginSource =
  | { kind: 'saved'; login: RegistryLogin }
  /** Ask `docker-credential-<helper>` for `serverAddress`. */
  | { kind: 'helper'; helper: string; serverAddress: string };

/** Key under which Docker keeps the login of Docker Hub. */
const HUB_SERVER_ADDRESS = 'https://index.docker.io/v1/';
/** A helper is a program name, never a path. */
const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The address that a registry is called by in logins. */
function serverAddress(registry: string): string {
  return registry === 'docker.io' ? HUB_SERVER_ADDRESS : registry;
}

/**
 * Finds the login of a registry (as {@link normaliseRegistry} names it) in the content of a Docker config file: by the helper
 * of this registry, else the saved one, else by the helper of all registries. Null when there is none. Throws SyntaxError
 * for a file that is not JSON.
 */
export function findLogin(content: string, registry: string): LoginSource | null {
  const config = asRecord(JSON.parse(content));
  const helpers = Object.entries(asTextRecord(config['credHelpers']));
  const own = helpers.find(([key]) => normaliseRegistry(key) === registry)?.[1];
  const entry = Object.entries(asRecord(config['auths'])).find(
    ([key]) => normaliseRegistry(key) === registry,
  );
  const saved = savedLogin(asRecord(entry?.[1]));
  if (own === undefined && saved !== null) return { kind: 'saved', login: saved };
  const helper = own ?? asText(config['credsStore']);
  if (!HELPER_NAME.test(helper)) return null;
  return { kind: 'helper', helper, serverAddress: entry?.[0] ?? serverAddress(registry) };
}

function savedLogin(entry: Record<string, unknown>): RegistryLogin | null {
  const token = asText(entry['identitytoken']);
  if (token !== '') return { kind: 'identity_token', token };
  const [user = '', ...rest] = Buffer.from(asText(entry['auth']), 'base64').toString('utf8').split(':');
  // docker login pads old entries with NUL
  const password = rest.join(':').replace(/\0+$/, '');
  const username = user || asText(entry['username']);
  const secret = password || asText(entry['password']);
  return username === '' || secret === '' ? null : { kind: 'password', username, password: secret };
}

/** Reads what a helper printed: `{"Username", "Secret"}`; the user `<token>` marks an identity token. Null for anything else. */
export function parseHelperAnswer(output: string): RegistryLogin | null {
  let answer: Record<string, unknown>;
  try {
    answer = asRecord(JSON.parse(output));
  } catch {
    return null;
  }
  const username = asText(answer['Username']);
  const secret = asText(answer['Secret']);
  if (username === '' || secret === '') return null;
  return username === '<token>'
    ? { kind: 'identity_token', token: secret }
    : { kind: 'password', username, password: secret };
}

/** Value of the header `X-Registry-Auth`: base64 with the URL alphabet and padding, as the engine decodes it. */
export function registryAuthHeader(login: RegistryLogin, registry: string): string {
  const fields =
    login.kind === 'password'
      ? { username: login.username, password: login.password, serveraddress: serverAddress(registry) }
      : { identitytoken: login.token, serveraddress: serverAddress(registry) };
  return Buffer.from(JSON.stringify(fields)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
