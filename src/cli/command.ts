import type { ParseArgsOptionsConfig } from 'node:util';
import type { ComposeError } from '../compose/service-spec.ts';
import type { Clock } from '../lib/clock.ts';
import type { Settings } from '../settings.ts';
import type { ExitCode } from './exit-codes.ts';

/** What a check of the compose file found. */
export interface ConfigReport {
  /** The file that was read. */
  file: string;
  errors: ComposeError[];
  /** Things that are accepted but worth knowing. */
  notices: string[];
  /** Names of the services; empty when there are errors. */
  services: string[];
}

/** A model in the cache of this machine. */
export interface ShelvedModel {
  /** `org/name`. */
  id: string;
  /** 40 hex; null while there is none under the revision. */
  commit: string | null;
  complete: boolean;
  /** Null when it is not complete. */
  files: number | null;
  bytes: number;
}

/** One file of a model that was read again. */
interface CheckedFile {
  path: string;
  bytes: number;
  state: 'ok' | 'damaged' | 'missing' | 'unnamed';
  /** What is wrong, with both hashes. */
  detail: string;
}

/** The models on this machine. Its calls throw CliFailure. */
export interface ModelShelf {
  /** The directory that the api service mounts for models. */
  directory: string;
  /** `MODEL_ID`; null where nothing names one. */
  wanted: string | null;
  /** The branch or commit that is served. */
  revision: string;
  list(): Promise<ShelvedModel[]>;
  describe(id: string): Promise<ShelvedModel>;
  /** Reads every byte of a model and compares it with its hashes. */
  verify(id: string, commit: string): AsyncIterable<CheckedFile>;
  /** Takes a damaged file out of the cache. */
  remove(id: string, commit: string, path: string): Promise<void>;
}

/** What a command works with; the terminal and the machine come in here. */
export interface CliContext {
  /** Reading it throws CliFailure when a setting has a bad value. */
  readonly settings: Pick<Settings, 'composeFile' | 'socketPath' | 'listen'>;
  clock: Clock;
  /** Whether standard output wants colours. */
  colour: boolean;
  /** Writes to standard output; resolves when it was taken (a slow pipe slows the reader). */
  write(text: string): Promise<void>;
  /** One or more lines to standard error. */
  complain(message: string): void;
  /** Reads and checks a compose file as the daemon would. */
  checkConfig(file: string): Promise<ConfigReport>;
  /** Looks at the models on this machine, without the daemon. Throws CliFailure. */
  openShelf(): Promise<ModelShelf>;
}

/** What was given on the command line, after the name of the command. */
export interface CliArguments {
  values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  positionals: string[];
}

/** One command. */
export interface Command {
  /** One or two words, e.g. `config check`. */
  name: string;
  /** What follows the name in the usage line; '' for nothing. */
  synopsis: string;
  summary: string;
  /** Further lines of its help. */
  details: readonly string[];
  options: ParseArgsOptionsConfig;
  /** The help of each option, as `[how it is written, what it does]`. */
  optionHelp: readonly (readonly [string, string])[];
  /** How many words it takes beside options. */
  maximumPositionals: number;
  /** Does the work; throws CliFailure. */
  run(context: CliContext, args: CliArguments): Promise<ExitCode>;
}
