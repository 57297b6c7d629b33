import type { Clock } from '../lib/clock.ts';
import type { Supervisor } from '../services/types.ts';

/** An engine that is there has been asked for the first container by then. */
const FIRST_STEPS_MS = 50;

/** Resolves when the engine has shown a container, or has been asked to do what comes before one. */
export function firstSteps(supervisor: Supervisor, clock: Clock): Promise<void> {
  const shown = Promise.withResolvers<void>();
  const stop = supervisor.onChange(({ services }) => {
    if (Object.values(services).some((service) => service.container_id !== null)) shown.resolve();
  });
  return Promise.race([shown.promise, clock.sleep(FIRST_STEPS_MS)]).finally(stop);
}
