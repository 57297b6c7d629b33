import { cpus, loadavg, totalmem } from 'node:os';
import { median, pairRatios, percentile } from './statistics.ts';

const BYTES_PER_GIB = 1024 ** 3;
const NAME_WIDTH = 52;
/** Above this load per core other work takes so much of the machine that the figures say little. */
const BUSY_LOAD_PER_CORE = 0.5;

type Unit = 'ms' | 'MiB' | 'MB/s' | 's/GB' | 's/min' | '/min';

/** Digits after the point. */
const DIGITS: Record<Unit, number> = { ms: 0, MiB: 1, 'MB/s': 0, 's/GB': 2, 's/min': 2, '/min': 1 };

/** One side of a comparison: its name and what was measured in each round. */
export interface Series {
  name: string;
  unit: Unit;
  values: readonly number[];
}

/** What a benchmark prints at its end. */
export interface Report {
  /** A line of its own about one side: median, 10th and 90th percentile. */
  series(...all: Series[]): void;
  /** Ours divided by the peer's, of the medians and pair by pair, against a target. */
  ratio(title: string, ours: Series, peer: Series, target: number): void;
  /** A plain value against a target. */
  atMost(title: string, value: number, unit: Unit, target: number): void;
  /** How many targets were missed. */
  missed(): number;
}

/** Says what is compared, and on what kind of machine. */
export function printHead(title: string, lines: readonly string[], rounds: number): void {
  const cores = cpus().length;
  const [load = 0] = loadavg();
  console.log(`${title}\n`);
  for (const line of lines) console.log(`  ${line}`);
  console.log(
    `\n${rounds} rounds, the sides in turn, the first round of each not counted; Node ${process.versions.node}, ` +
      `${cores} cores, ${(totalmem() / BYTES_PER_GIB).toFixed(0)} GiB, ${new Date().toISOString().slice(0, 10)}`,
  );
  console.log(`load of the machine before: ${load.toFixed(1)}`);
  if (load > BUSY_LOAD_PER_CORE * cores) {
    console.log('the machine is busy with other work: the ratios are rough, the times are too long');
  }
}

/** Makes a report that prints line by line. */
export function createReport(): Report {
  let missed = 0;
  const verdict = (reached: boolean): string => {
    if (!reached) missed += 1;
    return reached ? 'reached' : 'MISSED';
  };
  return {
    series(...all) {
      console.log('');
      for (const { name, unit, values } of all) {
        const show = (value: number) => value.toFixed(DIGITS[unit]).padStart(6);
        console.log(
          `${name.padEnd(NAME_WIDTH)} median ${show(median(values))} ${unit}   p10 ${show(percentile(values, 0.1))}   p90 ${show(percentile(values, 0.9))}   n ${values.length}`,
        );
      }
    },
    ratio(title, ours, peer, target) {
      const ratio = median(ours.values) / median(peer.values);
      const pairs = pairRatios(ours.values, peer.values);
      const spread = `pairs p10 ${percentile(pairs, 0.1).toFixed(2)}, median ${median(pairs).toFixed(2)}, p90 ${percentile(pairs, 0.9).toFixed(2)}`;
      console.log(
        `  ${title}: ${ratio.toFixed(3)} (${spread}); target <= ${Number(target.toFixed(3))}: ${verdict(ratio <= target)}`,
      );
    },
    atMost(title, value, unit, target) {
      console.log(
        `  ${title}: ${value.toFixed(DIGITS[unit])} ${unit}; target <= ${target} ${unit}: ${verdict(value <= target)}`,
      );
    },
    missed: () => missed,
  };
}
