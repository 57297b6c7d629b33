import { describeExit, ENGINE_GONE, silentExit } from './exit.ts';
import type { Match } from './match.ts';
import type { Message } from './message.ts';
import type { Ending } from './types.ts';

/** A match and the message it was found in. */
interface Proof {
  match: Match;
  message: Message;
}

/** What speaks for one cause or another so far. */
export interface Evidences {
  host: Proof | null;
  /** In the order of the log. */
  primaries: Proof[];
  weak: Proof | null;
  secondary: Proof | null;
  /** Best error without a signature. */
  unknown: Message | null;
  /** A cause that shows in a service that runs. */
  always: Proof | null;
}

/** How far a run has come; numbers of lines, null: not seen. */
export interface RunState {
  ready: number | null;
  death: number | null;
  shutdown: number | null;
  last: number;
  /** GPUs that the engine says it uses together; null: it has not said. */
  gpus: number | null;
  found: Evidences;
}

/** Why a run has failed. */
export type Cause =
  | { kind: 'proof'; proof: Proof; whileReady: boolean; index: number }
  | { kind: 'unknown'; message: Message; index: number }
  | { kind: 'exit'; exit: NonNullable<ReturnType<typeof describeExit>>; index: number };

/** Errors this many lines before the death of a service that ran belong to it; earlier ones were of requests. */
const DEATH_LINES = 600;

/** Exit codes of a program that was ended by SIGINT, SIGKILL or SIGTERM: somebody's wish if it shut down in order. */
const STOPPED_CODES: ReadonlySet<number | null> = new Set([null, 0, 130, 137, 143]);

/** Weighs what was found; null when nothing has failed. */
export function chooseCause(state: RunState, ending: Ending): Cause | null {
  const { found, ready, death, shutdown, last } = state;
  if (found.host !== null) return byProof(found.host, ready !== null);
  const bad = ending.oomKilled || (ending.exitCode !== null && !STOPPED_CODES.has(ending.exitCode));
  if (ready === null) {
    if (shutdown !== null && !bad) {
      const before = found.primaries.find(({ message }) => message.index <= shutdown + 1);
      return before === undefined ? null : byProof(before, false);
    }
    return isProven(state, ending) ? firstCause(state, ending, 0, false) : null;
  }
  if (death === null && shutdown !== null && !bad) return null;
  const killed = ending.exitCode === 137 && shutdown === null;
  if (death === null && !bad && !killed) return found.always === null ? null : byProof(found.always, true);
  return firstCause(state, ending, (death ?? last) - DEATH_LINES, true);
}

/** Whether anything says that the start has failed, beside what the program went on after. */
function isProven({ found, death }: RunState, { exitCode, oomKilled }: Ending): boolean {
  const unhandled = [...found.primaries, ...(found.weak === null ? [] : [found.weak])].some(
    ({ match }) => !match.handled,
  );
  const ended = oomKilled || (exitCode !== null && exitCode !== 0);
  return (
    unhandled ||
    ended ||
    death !== null ||
    found.unknown !== null ||
    found.secondary !== null ||
    found.always !== null
  );
}

function firstCause(state: RunState, ending: Ending, from: number, whileReady: boolean): Cause | null {
  const { found, last } = state;
  const near = ({ index }: Message) => index >= from;
  const primary = found.primaries.find(({ message }) => near(message));
  if (primary !== undefined) return byProof(primary, whileReady);
  const exit = describeExit(ending);
  if (exit?.certain === true) return { kind: 'exit', exit, index: last };
  const weak = found.weak !== null && near(found.weak.message) ? found.weak : null;
  const unknown = found.unknown !== null && near(found.unknown) ? found.unknown : null;
  const weakFirst =
    weak !== null &&
    (unknown === null ||
      isOutdone(unknown, weak) ||
      (weak.message.index <= unknown.index && !weak.match.handled));
  if (weakFirst) return byProof(weak, whileReady);
  if (unknown?.named === true) return { kind: 'unknown', message: unknown, index: unknown.index };
  if (exit !== null) return { kind: 'exit', exit, index: last };
  if (found.always !== null) return byProof(found.always, whileReady);
  if (found.secondary !== null) return byProof(found.secondary, whileReady);
  if (state.death !== null && ending.exitCode === 0) return { kind: 'exit', exit: ENGINE_GONE, index: last };
  if (ending.exitCode === null || STOPPED_CODES.has(ending.exitCode)) return null;
  if (unknown !== null) return { kind: 'unknown', message: unknown, index: unknown.index };
  return { kind: 'exit', exit: silentExit(ending.exitCode), index: last };
}

/** An error that only has a name says less than a symptom with words, and less than what it was turned into. */
function isOutdone(unknown: Message, { message }: Proof): boolean {
  const bare = /^[\w.]+:?$/.test(unknown.lines.join(' ').trim());
  const turned = message.chain !== 'none' && message.process === unknown.process;
  return !unknown.named || bare || turned;
}

function byProof(proof: Proof, whileReady: boolean): Cause {
  return { kind: 'proof', proof, whileReady, index: proof.message.index };
}
