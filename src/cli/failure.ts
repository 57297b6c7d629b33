import type { ExitCode } from './exit-codes.ts';

/** Ends a command with an exit code; the message is for the person at the terminal. */
export class CliFailure extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = 'CliFailure';
    this.exitCode = exitCode;
  }
}
