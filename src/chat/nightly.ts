/** Starts a nightly job by a cron expression (local time); returns what ends it. */
export type Cron = (expression: string, job: () => void) => { stop(): void };

/** Loading node-cron takes 20 ms of processor time, which the first seconds of a daemon have better use for. */
const LOAD_DELAY_MS = 5_000;

/** node-cron; a job is skipped while its last run is still going on. */
export const nodeCron: Cron = (expression, job) => {
  let stopped = false;
  let end = () => {};
  const start = async () => {
    const { schedule } = await import('node-cron');
    if (stopped) return;
    const task = schedule(expression, job, { noOverlap: true });
    end = () => void task.destroy();
  };
  const timer = setTimeout(start, LOAD_DELAY_MS);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      end();
    },
  };
};
