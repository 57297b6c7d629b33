import { formatDuration } from '../lib/human.ts';
import type { DeploymentView, PhaseView } from './schema.ts';

/** Columns of the bars; with name and times a line fits on a console of 80. */
const BAR_WIDTH = 32;

/** Columns of a phase's name and of its duration. */
const NAME_WIDTH = 18;
const DURATION_WIDTH = 14;

/**
 * The phases as lines with bars over one axis of time, so that it is seen which overlap: name, how long it took, from where
 * to where. Phases that have not begun are left out; empty when none has.
 */
export function timeline(deployment: Pick<DeploymentView, 'phases'>): string[] {
  const begun = deployment.phases
    .map((phase) => ({ phase, from: phase.after_seconds, took: phase.seconds ?? 0 }))
    .filter((row): row is { phase: PhaseView; from: number; took: number } => row.from !== null);
  const end = Math.max(...begun.map(({ from, took }) => from + took), 0);
  return begun
    .toSorted((a, b) => a.from - b.from || a.took - b.took)
    .map(({ phase, from, took }) => `${label(phase)}|${bar(from, took, end)}|`);
}

function label({ name, state, seconds }: PhaseView): string {
  const time = seconds === null ? '' : formatDuration(seconds);
  const took = state === 'done' ? time : [time, state].filter((word) => word !== '').join(' ');
  return `${name.padEnd(NAME_WIDTH)} ${took.padStart(DURATION_WIDTH)} `;
}

/** Every phase is seen, however short: at least one column. */
function bar(from: number, took: number, end: number): string {
  const column = (seconds: number) => (end === 0 ? 0 : Math.round((seconds / end) * BAR_WIDTH));
  const start = Math.min(column(from), BAR_WIDTH - 1);
  const length = Math.max(1, column(from + took) - start);
  return `${' '.repeat(start)}${'#'.repeat(length)}`.padEnd(BAR_WIDTH);
}
