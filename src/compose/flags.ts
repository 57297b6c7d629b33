/** Short forms of the options of vLLM that are read here. */
const SHORT_OPTIONS: Readonly<Record<string, string>> = {
  '-tp': '--tensor-parallel-size',
  '-pp': '--pipeline-parallel-size',
  '-q': '--quantization',
};

/**
 * A word of a command in the one form that is looked for: `--tensor_parallel_size=2` and `-tp=2` as
 * `--tensor-parallel-size=2`. vLLM reads both spellings; a value after `=` stays as it is.
 */
function longForm(word: string): string {
  if (!word.startsWith('-')) return word;
  const [flag = '', ...value] = word.split('=');
  const long = SHORT_OPTIONS[flag] ?? (flag.startsWith('--') ? flag.replaceAll('_', '-') : flag);
  return [long, ...value].join('=');
}

/** Where a flag stands in a command, however it is spelt; the last one counts, as in argparse. */
export interface FlagPlace {
  at: number;
  /** What stands behind its `=`; null: its value, if it has one, is the next word. */
  inline: string | null;
}

/** Finds it; null where it is not there. `flag` is given in its long form with hyphens. */
export function findFlag(command: readonly string[], flag: string): FlagPlace | null {
  const words = command.map(longForm);
  const at = words.findLastIndex((word) => word === flag || word.startsWith(`${flag}=`));
  if (at < 0) return null;
  return { at, inline: words[at] === flag ? null : (words[at] ?? '').slice(flag.length + 1) };
}
