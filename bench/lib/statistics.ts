/** Middle value of a list; NaN for an empty one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The value below which the share `p` (0 to 1) of the list lies, by the nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

/** One side of a comparison: its name and what was measured in each round. */
export interface Series {
  name: string;
  values: readonly number[];
}

/** A line with median, 10th and 90th percentile. */
export function describe(series: Series, unit: string, digits = 0): string {
  const show = (value: number) => value.toFixed(digits);
  return `${series.name.padEnd(44)} median ${show(median(series.values))} ${unit}   p10 ${show(percentile(series.values, 0.1))}   p90 ${show(percentile(series.values, 0.9))}   n ${series.values.length}`;
}

/**
 * Prints the ratio ours / peer of two series measured in alternation: of the medians, and its spread pair by pair.
 * Returns the ratio of the medians.
 */
export function printRatio(ours: Series, peer: Series, target: number): number {
  const ratio = median(ours.values) / median(peer.values);
  const pairs = ours.values.map((value, index) => value / (peer.values[index] ?? Number.NaN));
  const verdict = ratio <= target ? 'reached' : 'MISSED';
  console.log(
    `ratio ${ours.name} / ${peer.name}: ${ratio.toFixed(3)} (pairs p10 ${percentile(pairs, 0.1).toFixed(2)}, p90 ${percentile(pairs, 0.9).toFixed(2)}); target <= ${target}: ${verdict}`,
  );
  return ratio;
}
