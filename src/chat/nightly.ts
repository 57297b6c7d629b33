import { schedule } from 'node-cron';

/** Starts a nightly job by a cron expression (local time); returns what ends it. */
export type Cron = (expression: string, job: () => void) => { stop(): void };

/** node-cron; a job is skipped while its last run is still going on. */
export const nodeCron: Cron = (expression, job) => {
  const task = schedule(expression, job, { noOverlap: true });
  return { stop: () => void task.destroy() };
};
