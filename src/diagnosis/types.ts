import type { ProblemClass, ProblemCode } from '../status/problem-table.ts';

/** Whose words a signature knows. */
export type SignatureFamily = 'vllm' | 'hub' | 'docker' | 'nvidia' | 'open-webui';

/**
 * How much a match weighs. `host`: evidence of the kernel, the driver or the hardware, which explains whatever a program
 * complains of. `primary`: the first one in the log wins. `weak`: a symptom that counts only when no primary error is
 * known. `secondary`: reports that something else has failed.
 */
export type SignatureStrength = 'host' | 'primary' | 'weak' | 'secondary';

/** One known cause of a failure: how it shows in a log or an engine's error text, and which problem it is. */
export interface Signature {
  /** Short stable name; one name per row, never reused. */
  id: string;
  /** The name a diagnosis carries, where several rows are wordings of one known cause; absent: the id. */
  knownAs?: string;
  family: SignatureFamily;
  /** The problem it proves; class, title, cause and remedy are those of the one table. */
  code: ProblemCode;
  /** Absent: primary. */
  strength?: SignatureStrength;
  /** Also tried on lines of level WARNING, where it weighs as weak: retries that were given up, for example. */
  warnings?: true;
  /** Must also match the place it was raised at: the innermost frames of the traceback, a line each, the last one last. */
  frames?: RegExp;
  /** Its words stand below the error's name and tell more than that: a message as a whole is tried on it before its lines. */
  whole?: true;
  /** The frame of a message rather than what it says: any other signature of the same message is preferred. */
  generic?: true;
  /** Of the host: tells that it failed rather than why, and gives way to a later one of the host that tells why. */
  outcome?: true;
  /** Counts only where the engine uses one GPU: a size that cannot be cut further was not cut by the number of GPUs. */
  oneGpu?: true;
  /** Replaces the class of the table where this wording behaves otherwise. */
  class?: ProblemClass;
  /** Likewise, for a service that was ready before. */
  classWhileReady?: ProblemClass;
  /** Named even while the service runs: it answers, but cannot do what it is for. */
  always?: true;
  /** What the message looks like to a person, for docs/operations.md. */
  symptom: string;
  /**
   * Each is tried on one message, freed of prefixes, colours and timestamps; several are wordings of other versions.
   * Named groups are handed to `detail`. Must match the stable core of a message, not numbers, paths or line numbers.
   */
  patterns: readonly RegExp[];
  /** One sentence with the figures of this case, made of the named groups; absent or null: the line itself. */
  detail?: (groups: Readonly<Record<string, string | undefined>>) => string | null;
  /** Remedy with the figures of this case where it can be more exact than the table's; absent or null: the table's. */
  remedy?: (groups: Readonly<Record<string, string | undefined>>) => string | null;
  /** Lines as the programs print them; each must be found by this signature and no other. */
  samples: readonly string[];
  /** Programs and versions whose sources or logs the wording was checked against. */
  checkedAgainst: string;
}

/** What the machine itself tells about the GPUs of a run that has failed. */
export interface HostFacts {
  /** XIDs, the driver's error numbers in the kernel log, since the run began; the oldest first. */
  xids: readonly { xid: number; pciBusId: string; message: string }[];
  /** Programs that hold memory of a GPU now that the run is over; null: not known. */
  gpuUsers: readonly { pid: number | null; name: string | null; memoryBytes: number | null }[] | null;
}

/** What is known of a failed start or an unexpected end. */
export interface Evidence {
  /** Log lines since the last start of the container, oldest first; may be cut anywhere. */
  log: readonly string[];
  /** Null: still running, or unknown. */
  exitCode: number | null;
  oomKilled: boolean;
  /** What the engine said when it refused the start; null when it did not. */
  engineError: string | null;
  /** A container that runs and answers has no failure, whatever its log says. */
  answers?: boolean;
  /** Absent: nothing is known, or the service uses no GPU. */
  host?: HostFacts;
}

/** How a run ended, as far as it is known; see {@link Evidence}. */
export type Ending = Omit<Evidence, 'log' | 'host'>;

/** The cause, for /status, the login message and `ai-sandbox explain`. */
export interface Diagnosis {
  code: ProblemCode;
  /** Name of the signature; null when the cause follows from the exit alone or is unknown. */
  signature: string | null;
  /** Null: the class of the table. */
  class: ProblemClass | null;
  detail: string;
  /** Null: the remedy of the table. */
  remedy: string | null;
  /** The line that proves it, freed of prefixes; null when no line does. */
  line: string | null;
  /** Figures a heal needs, by name (`estimated_max_model_len`, `file`). */
  values: Readonly<Record<string, string>>;
}
