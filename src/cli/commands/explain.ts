import { createReadStream } from 'node:fs';
import { createDiagnoser } from '../../diagnosis/diagnose.ts';
import type { Diagnosis, Ending } from '../../diagnosis/types.ts';
import { errorCode } from '../../lib/errors.ts';
import { createLineSplitter } from '../../lib/lines.ts';
import { toPlainLine } from '../../lib/plain-text.ts';
import { createRedactor } from '../../lib/redact.ts';
import { PROBLEM_TABLE } from '../../status/problem-table.ts';
import type { CliArguments, Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { asUtf8 } from '../text-decoding.ts';

/** Largest exit code of a process. */
const MAXIMUM_EXIT_CODE = 255;

/** The answer of `explain --json`; all keys are always there. */
interface Explanation {
  code: string | null;
  signature: string | null;
  class: string | null;
  title: string | null;
  detail: string | null;
  remedy: string | null;
  line: string | null;
}

export const explainCommand: Command = {
  name: 'explain',
  synopsis: '[--exit-code N] [--oom-killed] [--json] [FILE|-]',
  summary: 'tell the cause of a failure, and its remedy, from a log',
  details: [
    'FILE is the log of a container, the words of an engine that refused a start, a kernel log, the output of nvidia-smi,',
    'or several of them together; without FILE, or with -, it is read from standard input. The daemon is not needed.',
    'A log in which nothing has failed is said to be so. Example: docker logs ai-sandbox-api 2>&1 | ai-sandbox explain',
  ],
  options: {
    'exit-code': { type: 'string' },
    'oom-killed': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  optionHelp: [
    ['--exit-code N', 'the exit code of the container'],
    ['--oom-killed', 'the engine says that it was killed for want of memory'],
    ['--json', 'the answer as JSON: code, signature, class, title, detail, remedy, line'],
  ],
  maximumPositionals: 1,
  async run(context, args) {
    const ending = readEnding(args);
    const [file = '-'] = args.positionals;
    const diagnosis = await diagnoseStream(openLog(file), file, ending);
    const explanation = toExplanation(diagnosis);
    await context.write(
      args.values['json'] === true ? `${JSON.stringify(explanation, null, 2)}\n` : toText(explanation),
    );
    return EXIT.ok;
  },
};

function readEnding({ values }: CliArguments): Ending {
  const given = values['exit-code'];
  const exitCode = given === undefined ? null : Number(given);
  if (exitCode !== null && (!/^\d{1,3}$/.test(String(given)) || exitCode > MAXIMUM_EXIT_CODE)) {
    throw new CliFailure(
      EXIT.usage,
      `--exit-code is ${toPlainLine(String(given))}; allowed is a whole number from 0 to ${MAXIMUM_EXIT_CODE}`,
    );
  }
  return { exitCode, oomKilled: values['oom-killed'] === true, engineError: null };
}

function openLog(file: string): AsyncIterable<Uint8Array> {
  return file === '-' ? process.stdin : createReadStream(file);
}

/** Reads the whole log, a piece at a time: a log of any size needs the same memory. */
async function diagnoseStream(
  stream: AsyncIterable<Uint8Array>,
  file: string,
  ending: Ending,
): Promise<Diagnosis | null> {
  const diagnoser = createDiagnoser();
  const splitter = createLineSplitter();
  try {
    for await (const chunk of asUtf8(stream)) for (const line of splitter.push(chunk)) diagnoser.push(line);
  } catch (error) {
    const code = errorCode(error);
    if (code === null || code === undefined) throw error;
    throw new CliFailure(EXIT.failed, `${toPlainLine(file)} cannot be read: ${whyUnreadable(code)}`);
  }
  for (const line of splitter.end()) diagnoser.push(line);
  return diagnoser.finish(ending);
}

function whyUnreadable(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'no permission';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return code;
  }
}

/** Secrets and control characters of a log do not reach the terminal. */
function toExplanation(diagnosis: Diagnosis | null): Explanation {
  if (diagnosis === null) {
    return { code: null, signature: null, class: null, title: null, detail: null, remedy: null, line: null };
  }
  const redactor = createRedactor();
  const clean = (text: string) => toPlainLine(redactor.redact(text));
  const row = PROBLEM_TABLE[diagnosis.code];
  return {
    code: diagnosis.code,
    signature: diagnosis.signature,
    class: diagnosis.class ?? row.class,
    title: row.title,
    detail: clean(diagnosis.detail),
    remedy: clean(diagnosis.remedy ?? row.remedy),
    line: diagnosis.line === null ? null : clean(diagnosis.line),
  };
}

function toText({ code, signature, class: kind, title, detail, remedy, line }: Explanation): string {
  if (code === null) return 'Nothing in it has failed.\n';
  return [
    `${title} (${code})`,
    `  Seen:   ${detail}`,
    `  Remedy: ${remedy}`,
    ...(line === null || line === detail ? [] : [`  Line:   ${line}`]),
    `  Class:  ${kind}${signature === null ? '' : `, signature ${signature}`}`,
    '',
  ].join('\n');
}
