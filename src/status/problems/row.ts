/**
 * How a problem behaves: `transient` passes by itself and is retried, `fatal` stands until a person changes something,
 * `host` needs something done to the machine, `restart` is cured by the restart that follows.
 */
export type ProblemClass = 'transient' | 'fatal' | 'host' | 'restart';

/** One row of the table: what the code means in plain words and what a person does about it. */
export interface ProblemRow {
  class: ProblemClass;
  /** One short sentence without a full stop. */
  title: string;
  /** Why it happens, for docs/operations.md. */
  cause: string;
  /** One thing a person can carry out. */
  remedy: string;
}
