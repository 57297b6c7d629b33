/** On a terminal one line that changes; elsewhere a line for each change, at most one every few seconds. */
export interface LiveLine {
  show(text: string): void;
  /** Ends the line: what comes next begins below it. */
  keep(): void;
}

/** Without a terminal numbers alone do not make a new line more often than this. */
const QUIET_MS = 5_000;

export function createLiveLine(out: NodeJS.WriteStream): LiveLine {
  let shown = '';
  let shownAt = 0;
  let open = false;
  const withoutNumbers = (text: string) => text.replace(/[0-9.]+/g, '#');
  return {
    show: (text) => {
      if (text === shown) return;
      if (out.isTTY) {
        out.write(`\r\u001b[K${text.slice(0, Math.max(20, (out.columns ?? 80) - 1))}`);
        open = true;
      } else {
        const onlyNumbers = withoutNumbers(text) === withoutNumbers(shown);
        if (onlyNumbers && performance.now() - shownAt < QUIET_MS) return;
        out.write(`${text}\n`);
      }
      shown = text;
      shownAt = performance.now();
    },
    keep: () => {
      if (open) out.write('\n');
      open = false;
    },
  };
}
