import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { posix } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { parseEnvironmentFile } from './environment-file.ts';
import { FORBIDDEN_NAMES } from './interpolate-tree.ts';
import { allowedEnvironmentNames, readComposeProject } from './read-project.ts';
import type { ComposeError, ComposeProject } from './service-spec.ts';
import { parseYamlTree } from './yaml-tree.ts';

/** What one reading of the files gave. */
export type LoadResult =
  | { project: ComposeProject; variables: Record<string, string> }
  | {
      errors: ComposeError[];
      /** True when the compose file itself is not there. */
      missing: boolean;
    };

/** The compose file with everything it is read from, as a value that can be loaded and watched. */
export interface ComposeSource {
  /** Reads all files anew. Never throws. */
  load(): Promise<LoadResult>;
  /**
   * Calls `onChange` whenever the compose file, its `.env` or an env_file has changed and then rested for 2 s, measured
   * against the last load. A load renews that measure, so that what `onChange` writes itself before it loads is no change.
   * While `unfinished` says that something was left undone, it is also called without a change (`changed` is false then).
   * Resolves when `signal` aborts; errors of watching never end it.
   */
  watch(
    onChange: (changed: boolean) => Promise<void>,
    signal: AbortSignal,
    unfinished?: () => boolean,
  ): Promise<void>;
}

/** What a source is made of. */
export interface ComposeSourceOptions {
  /** Absolute path of the compose file; `.env` stands beside it. */
  file: string;
  /** The daemon's own environment, of which a file sees only the names it is allowed. */
  environment: Readonly<Record<string, string | undefined>>;
  /** `MODEL_ID` of the daemon's environment, which wins over `.env`; null where it has none. */
  pinnedModelId: string | null;
  clock: Clock;
  log: Log;
}

/** How often the files are looked at where no notification comes (network file systems, bind mounts of single files). */
export const POLL_MS = 5_000;

/** A change counts when nothing has changed for this long: editors and package managers write in several steps. */
export const QUIET_MS = 2_000;

/** A compose or environment file is a few kilobytes; more is some other file. */
const MAXIMUM_BYTES = 1024 * 1024;

/** Makes the source; reads nothing yet. */
export function createComposeSource(options: ComposeSourceOptions): ComposeSource {
  const { file, environment, pinnedModelId, clock, log } = options;
  const environmentFile = posix.join(posix.dirname(file), '.env');
  let loaded: { paths: string[]; fingerprint: string } = {
    paths: [file, environmentFile],
    fingerprint: '',
  };

  const load = (): LoadResult => {
    const seen = new Map<string, FileText>();
    const read = (path: string): FileText => {
      const known = seen.get(path) ?? readTextFile(path);
      seen.set(path, known);
      return known;
    };
    const result = loadWith(read);
    loaded = { paths: [...seen.keys()], fingerprint: fingerprintOf(seen) };
    return result;
  };

  const loadWith = (read: (path: string) => FileText): LoadResult => {
    const dotEnv = read(environmentFile);
    const compose = read(file);
    if (compose.text === null)
      return { errors: [wholeFile(file, compose.reason)], missing: compose.reason === NOT_THERE };
    if (dotEnv.text === null && dotEnv.reason !== NOT_THERE)
      return { errors: [wholeFile(environmentFile, dotEnv.reason)], missing: false };
    const own = parseEnvironmentFile(dotEnv.text ?? '', environmentFile);
    const parsed = parseYamlTree(compose.text, file);
    const variables = variablesOf(own.values, allowedEnvironmentNames(parsed));
    const result = readComposeProject({
      file,
      text: compose.text,
      parsed,
      variables,
      readFile: (path) => read(path).text,
      ...(environment['HOME'] === undefined ? {} : { home: environment['HOME'] }),
    });
    const errors = [...own.errors, ...('errors' in result ? result.errors : [])];
    if ('errors' in result || errors.length > 0) return { errors, missing: false };
    return { project: result.project, variables };
  };

  const variablesOf = (fromFile: Record<string, string>, allowed: readonly string[]) => {
    const variables = { ...fromFile };
    for (const name of allowed) {
      const value = environment[name];
      if (value !== undefined) variables[name] = value;
    }
    if (pinnedModelId !== null) variables['MODEL_ID'] = pinnedModelId;
    for (const name of FORBIDDEN_NAMES) delete variables[name];
    return variables;
  };

  const currentFingerprint = () =>
    fingerprintOf(new Map(loaded.paths.map((path) => [path, readTextFile(path)])));

  const watchFiles = async (
    onChange: (changed: boolean) => Promise<void>,
    signal: AbortSignal,
    unfinished: () => boolean = () => false,
  ) => {
    while (!signal.aborted) {
      await waitForNotice(clock, loaded.paths, signal);
      let current = currentFingerprint();
      if (current === loaded.fingerprint && !unfinished()) continue;
      for (let before = ''; before !== current && !signal.aborted; current = currentFingerprint()) {
        before = current;
        await clock.sleep(QUIET_MS, signal).catch(() => undefined);
      }
      if (signal.aborted) return;
      const changed = current !== loaded.fingerprint;
      if (!changed && !unfinished()) continue;
      if (changed) log.info('the compose file or what it reads has changed', { file });
      await onChange(changed);
    }
  };

  return { load: async () => load(), watch: watchFiles };
}

/** Resolves at the next notification about the directories of these files, or after {@link POLL_MS}, or when aborted. */
async function waitForNotice(clock: Clock, paths: readonly string[], signal: AbortSignal): Promise<void> {
  const wake = new AbortController();
  const onAbort = () => wake.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  const names = new Set(paths.map((path) => posix.basename(path)));
  const watchers: FSWatcher[] = [];
  // Made anew for every wait: a watcher stays on the old directory when that is replaced.
  for (const directory of new Set(paths.map((path) => posix.dirname(path)))) {
    try {
      const watcher = watch(directory, (_event, name) => {
        if (name === null || names.has(name)) wake.abort();
      });
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // No directory yet, or no watch left on this machine: the poll sees the change.
    }
  }
  try {
    if (!signal.aborted) await clock.sleep(POLL_MS, wake.signal).catch(() => undefined);
  } finally {
    for (const watcher of watchers) watcher.close();
    signal.removeEventListener('abort', onAbort);
  }
}

/** What editors of Windows write before UTF-16 text. */
const UTF_16_MARKS: readonly Buffer[] = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

const NOT_THERE = 'the file does not exist';

type FileText = { text: string } | { text: null; reason: string };

/** The text of an ordinary file of a sensible size, or why there is none. */
function readTextFile(path: string): FileText {
  try {
    const info = statSync(path);
    if (!info.isFile()) return { text: null, reason: 'it is not an ordinary file' };
    if (info.size > MAXIMUM_BYTES)
      return { text: null, reason: `it has ${info.size} bytes; more than ${MAXIMUM_BYTES} is no such file` };
    const bytes = readFileSync(path);
    if (UTF_16_MARKS.some((mark) => bytes.subarray(0, mark.length).equals(mark)))
      return { text: null, reason: 'it is UTF-16 text; save it as UTF-8' };
    return { text: bytes.toString('utf8') };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR')
      return { text: null, reason: NOT_THERE };
    return { text: null, reason: `the file cannot be read: ${errorMessage(error)}` };
  }
}

function fingerprintOf(files: ReadonlyMap<string, FileText>): string {
  const hash = createHash('sha256');
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([path, content.text, 'reason' in content ? content.reason : null]));
  return hash.digest('hex');
}

function wholeFile(file: string, message: string): ComposeError {
  return { file, line: 1, column: 1, key: '', message };
}
