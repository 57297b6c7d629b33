import type { Clock } from '../lib/clock.ts';
import type { ServicesSnapshot, Supervisor } from '../services/types.ts';

/** So long may /status be late for the sake of the first starts: two small containers on two cores took 0.5 to 0.9 s in a few traces. */
export const FIRST_STEPS_MS = 1_500;

/**
 * Resolves when the engine has done at once what it can do at once: every service runs or waits for something, or the engine
 * is not there. Until then the processor is left to it.
 */
export function firstSteps(
  supervisor: Pick<Supervisor, 'onChange' | 'snapshot'>,
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const look = ({ services, docker, problems }: ServicesSnapshot) => {
    const answered = docker.reachable || problems.length > 0;
    if (answered && Object.values(services).every(settled)) done.resolve();
  };
  const stop = supervisor.onChange(look);
  look(supervisor.snapshot());
  return Promise.race([done.promise, clock.sleep(FIRST_STEPS_MS)]).finally(stop);
}

/** Runs, is not to run, or waits for something that takes longer than a look. */
function settled(service: ServicesSnapshot['services'][string]): boolean {
  const waits = service.waiting_for ?? service.next_restart_at ?? service.problem;
  return service.started_at !== null || !service.wanted || waits !== null;
}
