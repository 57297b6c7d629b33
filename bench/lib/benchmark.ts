import { parseArgs } from 'node:util';
import { createReport, type Report } from './report.ts';

const DEFAULT_ROUNDS = 20;

/** What a benchmark works with. */
export interface Stage {
  rounds: number;
  report: Report;
  /** Undone in reverse order at the end, however the benchmark ends, Ctrl-C included. */
  defer(undo: () => Promise<unknown>): void;
  /** Aborts at Ctrl-C. */
  signal: AbortSignal;
  /** Values of the benchmark's own options. */
  options: Record<string, string>;
}

/**
 * Runs a benchmark as a command: `--rounds N` and its own options with their defaults, cleaning up, exit status 1 when
 * a target is missed, 130 after Ctrl-C.
 */
export async function benchmark(
  run: (stage: Stage) => Promise<void>,
  defaults: Record<string, string> = {},
): Promise<void> {
  const known = Object.entries({ rounds: String(DEFAULT_ROUNDS), ...defaults });
  const { values } = parseArgs({
    options: Object.fromEntries(known.map(([name, value]) => [name, { type: 'string', default: value }])),
  });
  const { rounds: wanted, ...options } = values as Record<string, string>;
  const rounds = Number(wanted);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1');
  const report = createReport();
  const undos: (() => Promise<unknown>)[] = [];
  const interrupted = new AbortController();
  const interruption = new Promise<never>((_, reject) => {
    interrupted.signal.addEventListener('abort', () => reject(interrupted.signal.reason), { once: true });
  });
  interruption.catch(() => undefined);
  const interrupt = () => {
    console.error('cleaning up …');
    interrupted.abort(new Error('interrupted'));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

  let failed = false;
  try {
    const stage = { rounds, report, defer: undos.push.bind(undos), signal: interrupted.signal, options };
    const work = run(stage);
    work.catch(() => undefined);
    await Promise.race([work, interruption]);
  } catch (error) {
    failed = true;
    if (!interrupted.signal.aborted) console.error(error);
  }
  for (const undo of undos.reverse()) {
    await undo().catch((error: unknown) => console.error(`cleaning up: ${String(error)}`));
  }
  process.exit(interrupted.signal.aborted ? 130 : failed || report.missed() > 0 ? 1 : 0);
}

/**
 * Measures the sides in turn, `rounds` times and once before that, which is not counted; who goes first changes from
 * round to round, so that what one leaves behind hits all alike. Returns the values of each side by round.
 */
export async function alternate<Side extends string, Value>(
  { rounds, signal }: Pick<Stage, 'rounds' | 'signal'>,
  sides: Record<Side, (round: number) => Promise<Value>>,
): Promise<Record<Side, Value[]>> {
  const names = Object.keys(sides) as Side[];
  const values = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Side, Value[]>;
  for (let round = 0; round <= rounds; round += 1) {
    const shift = round % names.length;
    for (const name of [...names.slice(shift), ...names.slice(0, shift)]) {
      signal.throwIfAborted();
      const value = await sides[name](round);
      if (round > 0) values[name].push(value);
      process.stderr.write(`\rround ${round} of ${rounds}: ${name}\x1b[K`);
    }
  }
  process.stderr.write('\r\x1b[K');
  return values;
}
