import type { ProblemCode } from '../status/problem-table.ts';
import type { Ending } from './types.ts';

/** What the way a container ended tells by itself. */
export interface ExitMeaning {
  code: ProblemCode;
  detail: string;
  /** It proves the cause; otherwise it only stands in where the log has none. */
  certain: boolean;
}

/** 128 + number of the signal, as shells and Docker count. */
const SIGNALS: Readonly<Record<number, string>> = {
  132: 'SIGILL (an instruction this processor does not have)',
  134: 'SIGABRT (the program aborted itself)',
  135: 'SIGBUS (memory that is not there: often a full /dev/shm)',
  136: 'SIGFPE',
  139: 'SIGSEGV (a crash in native code)',
};

/** The meaning of an ending; null when it tells nothing (0, 1, a stop, or unknown). */
export function describeExit({ exitCode, oomKilled }: Ending): ExitMeaning | null {
  if (oomKilled) {
    return {
      code: 'out_of_memory',
      detail: `the kernel killed it at its memory limit${exitCode === null ? '' : ` (exit code ${exitCode})`}`,
      certain: true,
    };
  }
  switch (exitCode) {
    case null:
    case 0:
    case 1:
    case 130:
    case 143:
      return null;
    case 127:
      return {
        code: 'command_not_found',
        detail: 'exit code 127: the command was not found',
        certain: false,
      };
    case 126:
      return {
        code: 'command_not_found',
        detail: 'exit code 126: the command could not be executed',
        certain: false,
      };
    case 132:
      return { code: 'cpu_unsupported', detail: `exit code 132: ${SIGNALS[132]}`, certain: false };
    case 137:
      return {
        code: 'process_killed',
        detail: 'exit code 137: SIGKILL from outside, or the kernel was out of memory',
        certain: false,
      };
    default: {
      const signal = SIGNALS[exitCode];
      return signal === undefined
        ? null
        : { code: 'process_crashed', detail: `exit code ${exitCode}: ${signal}`, certain: false };
    }
  }
}

/** A server that ends in order, with code 0, because the process that computes was gone; nobody saw why. */
export const ENGINE_GONE: ExitMeaning = {
  code: 'engine_dead',
  detail:
    'the engine process ended, and the log does not tell why; the server ended after it with exit code 0',
  certain: false,
};

/** An exit code that says only that something failed, of a log that has no sign of it. */
export function silentExit(exitCode: number): ExitMeaning {
  return {
    code: 'unknown_failure',
    detail: `it ended with exit code ${exitCode}, and its log does not tell why`,
    certain: false,
  };
}
