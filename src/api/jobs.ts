import { type Clock, toTimestamp } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';

/** What a job does. */
export type JobAction = 'start' | 'stop' | 'restart' | 'retry' | 'reload';

/** A change that was asked for and is carried out after the answer. */
interface Job {
  id: string;
  action: JobAction;
  /** Name of the service, `model` or `daemon`. */
  target: string;
  state: 'running' | 'succeeded' | 'failed';
  created_at: string;
  finished_at: string | null;
  /** Why it failed; null otherwise. */
  detail: string | null;
}

/** The jobs of this daemon's life, in memory. */
export interface Jobs {
  /** Starts `work` and returns its job at once. */
  run(action: JobAction, target: string, work: () => void | Promise<void>): Job;
  /** The job as it is now; null when it is unknown or forgotten. */
  get(id: string): Job | null;
}

/** Finished jobs beyond this number are forgotten, oldest first. */
const KEPT_JOBS = 100;

/** Makes an empty list of jobs. `newId` must not repeat between daemons, or an old id would show another job. */
export function createJobs(clock: Pick<Clock, 'now'>, newId: () => string): Jobs {
  const jobs = new Map<string, Job>();
  const forget = () => {
    for (const [id, job] of jobs) {
      if (jobs.size <= KEPT_JOBS) return;
      if (job.state !== 'running') jobs.delete(id);
    }
  };
  return {
    get: (id) => jobs.get(id) ?? null,
    run(action, target, work) {
      const job: Job = {
        id: newId(),
        action,
        target,
        state: 'running',
        created_at: toTimestamp(clock.now()),
        finished_at: null,
        detail: null,
      };
      const finish = (state: Job['state'], detail: string | null) => {
        jobs.set(job.id, { ...job, state, detail, finished_at: toTimestamp(clock.now()) });
      };
      jobs.set(job.id, job);
      forget();
      Promise.resolve()
        .then(work)
        .then(
          () => finish('succeeded', null),
          (error: unknown) => finish('failed', errorMessage(error)),
        );
      return job;
    },
  };
}
