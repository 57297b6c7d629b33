/** What the exit code of `ai-sandbox` means; docs/cli.md shows this table. 77 and 78 are those of sysexits.h. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  configInvalid: 4,
  noPermission: 77,
  badSetting: 78,
} as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The meaning of each code, in the order of the table. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done; for status: the daemon answered, whatever it reports',
  1: 'it failed; the reason was printed',
  2: 'the command line is wrong',
  3: 'the daemon is not running',
  4: 'the compose file has an error',
  77: 'no permission to use the control socket',
  78: 'a setting (environment variable) has a bad value',
};
