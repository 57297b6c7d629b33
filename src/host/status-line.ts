import { toPlainLine } from '../lib/plain-text.ts';
import { activities, progressAmounts } from '../status/activity.ts';
import type { Status } from '../status/schema.ts';

/** `systemctl status` shows one line; what is longer is of no use there. */
const MAXIMUM_LENGTH = 200;

/**
 * The status in one line for `systemctl status`: `downloading the model 41 % (5.8/14.1 GB, 212 MB/s)`, with the most severe
 * problem in front while one stands.
 */
export function statusLine(status: Status): string {
  const underWay = activities(status);
  const amounts = progressAmounts(status.progress);
  const ready = Object.values(status.services).every((view) => view.ready);
  const phase = amounts === '' || ready ? status.progress.phase : `${status.progress.phase} ${amounts}`;
  const now = underWay.length > 0 ? underWay.join('; ') : phase;
  const problem = status.problems[0];
  const line = toPlainLine(problem === undefined ? now : `ERROR: ${problem.title} | ${now}`);
  return line.length <= MAXIMUM_LENGTH ? line : `${line.slice(0, MAXIMUM_LENGTH - 1)}…`;
}
