/** Starts a nightly job by a cron expression (local time); returns what ends it. */
export type Cron = (expression: string, job: () => void) => { stop(): void };

/** node-cron; a job is skipped while its last run is still going on. */
export const nodeCron: Cron = (expression, job) => {
  // loaded when it is needed: the start of the daemon does not wait for it
  const task = import('node-cron').then(({ schedule }) => schedule(expression, job, { noOverlap: true }));
  return { stop: () => void task.then((started) => started.destroy()) };
};
