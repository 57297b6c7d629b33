import type { ComposeProject, ServiceSpec } from './service-spec.ts';
import { splitShellWords } from './shell-words.ts';

/** Shorter values are parts of ordinary words. */
const LEAST_CHARACTERS = 6;
/** Words and numbers count as secrets from this length on: shorter ones stand in every log. */
const LEAST_WORD_CHARACTERS = 8;
const WORD_OR_NUMBER = /^(?:[a-z]+|[0-9]+)$/i;
/** Long enough, and yet no secret: values of switches, and passwords that everybody knows and every log names. */
const COMMON_WORDS = /^(?:disabled|optional|required|password|localhost)$/i;
const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]+(?::\d+)?$/;

/** A tokenizer is none of a person's tokens. */
const SECRET_PART = /KEY|SECRET|TOKEN(?!IZ)|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL/i;
/** Only at the end of a name: `AUTH_TYPE` and `PASS_THROUGH` are switches. */
const SECRET_END = /(?:^|_)(?:PASS|PWD|AUTH|DSN)$/i;
/** The value says where something is, not what it is; `PWD` alone is the working directory. */
const NO_SECRET = /(?:FILE|PATH|DIR|DIRECTORY|HOST|HEADER|URL)$|^(?:OLD)?PWD$/i;

const WEB_ADDRESS = /\b[a-z][a-z0-9+.-]{0,40}:\/\/[^\s/@:]*:([^\s/@]+)@/gi;
/** `host=db password=x`, `;Password=x;`, `?password=x`. */
const NAMED_PASSWORD = /\b(?:password|passwd|pwd)=('[^']*'|[^\s;&']+)/gi;

/** Whether a variable of this name, or a flag written as one, holds a secret. */
export function isSecretName(name: string): boolean {
  return (SECRET_PART.test(name) || SECRET_END.test(name)) && !NO_SECRET.test(name);
}

/**
 * The secrets among named values, each with its name: the values of names that say so, and passwords inside of the others
 * (addresses, connection strings). What is not told from ordinary words (`true`, host names, `open`) is none: whoever
 * searches for it would find it everywhere.
 */
export function secretsAmong(
  values: Readonly<Record<string, string>>,
  open: ReadonlySet<string> = new Set(),
): [name: string, secret: string][] {
  return Object.entries(values).flatMap(([name, value]) =>
    [...(isSecretName(name) ? [value] : []), ...passwordsIn(value)]
      .filter((secret) => isTelling(secret) && !open.has(secret))
      .map((secret): [string, string] => [name, secret]),
  );
}

/** Every secret that the values of a file's expressions and its services hold, in what they are given and how they are called. */
export function secretsOfProject(
  project: Pick<ComposeProject, 'name' | 'services'>,
  variables: Readonly<Record<string, string>>,
): string[] {
  const open = openWords(project, variables);
  const services = project.services.flatMap(({ environment, command, entrypoint }) => [
    ...secretsAmong(environment, open),
    ...secretsInWords([...(entrypoint ?? []), ...(command ?? [])], open),
  ]);
  return [...new Set([...secretsAmong(variables, open), ...services].map(([, secret]) => secret))];
}

/** What `/status` and the logs name openly. */
function openWords(
  { name, services }: Pick<ComposeProject, 'name' | 'services'>,
  variables: Readonly<Record<string, string>>,
): Set<string> {
  const ofServices = ({ name: service, containerName, image, hostname }: ServiceSpec) => [
    service,
    containerName,
    image,
    hostname,
  ];
  const words = [name, variables['MODEL_ID'], ...services.flatMap(ofServices)];
  return new Set(words.filter((word) => typeof word === 'string'));
}

/** Secrets on a command line: `--api-key VALUE…`, `--api-key=VALUE`, `NAME=VALUE`, also inside of a script (`sh -c "…"`). */
function secretsInWords(words: readonly string[], open: ReadonlySet<string>): [string, string][] {
  const scripts = words.filter((word) => /\s/.test(word)).map((text) => splitShellWords(text) ?? []);
  return [words, ...scripts].flatMap((line) =>
    namedWords(line).flatMap(([name, value]) => secretsAmong({ [name]: value }, open)),
  );
}

/** `--flag=value` with whatever value; of `NAME=value` only one word: what goes on is a script. */
const ASSIGNMENT = /^(?:--?([A-Za-z][\w-]*)=(.*)|([A-Za-z_]\w*)=(\S*))$/s;

/** Every word with the name it has on a command line; '' where it has none. A flag names all words up to the next flag. */
function namedWords(words: readonly string[]): [name: string, value: string][] {
  let flag = '';
  return words.map((word): [string, string] => {
    const [, option, ofOption, variable, ofVariable] = ASSIGNMENT.exec(word) ?? [];
    if (option !== undefined) {
      flag = '';
      return [asVariable(option), ofOption ?? ''];
    }
    if (variable !== undefined) return [variable, ofVariable ?? ''];
    if (!word.startsWith('-')) return [flag, word];
    flag = asVariable(word.replace(/^-+/, ''));
    return ['', word];
  });
}

function asVariable(flag: string): string {
  return flag.replaceAll('-', '_');
}

/** Passwords inside of a value, as they stand there and without the escapes of an address. */
function passwordsIn(value: string): string[] {
  const inAddresses = [...value.matchAll(WEB_ADDRESS)].map((match) => match[1] ?? '');
  const named = [...value.matchAll(NAMED_PASSWORD)].map((match) => (match[1] ?? '').replaceAll("'", ''));
  return [...inAddresses.flatMap((raw) => [raw, unescaped(raw)]), ...named];
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isTelling(value: string): boolean {
  if (value.length < LEAST_CHARACTERS || COMMON_WORDS.test(value) || HOST_NAME.test(value)) return false;
  return value.length >= LEAST_WORD_CHARACTERS || !WORD_OR_NUMBER.test(value);
}
