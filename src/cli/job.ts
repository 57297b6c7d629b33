import { askForJson } from './client.ts';
import type { CliContext } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** The parts of a job of the daemon that are used here. */
interface JobAnswer {
  id: string;
  state: 'running' | 'succeeded' | 'failed';
  detail: string | null;
}

/** How a job ended; `running` when it was not waited for any longer. */
export type JobEnd = Pick<JobAnswer, 'state' | 'detail'>;

/** A stop may take the grace period of a container; more than this is looked up later. */
const WAIT_MS = 90_000;

const POLL_MS = 200;

/** Asks for a change and waits until it is carried out. Throws CliFailure when it is not accepted. */
export async function carryOut(context: CliContext, path: string): Promise<JobEnd> {
  const { clock, settings } = context;
  const place = { socketPath: settings.socketPath };
  let job = jobOf(await askForJson(place, 'POST', path, clock));
  const giveUpAt = clock.monotonicMs() + WAIT_MS;
  while (job.state === 'running' && clock.monotonicMs() < giveUpAt) {
    await clock.sleep(POLL_MS);
    job = jobOf(await askForJson(place, 'GET', `/jobs/${job.id}`, clock));
  }
  return job;
}

function jobOf(value: unknown): JobAnswer {
  if (typeof value === 'object' && value !== null && 'id' in value && 'state' in value) {
    return value as JobAnswer;
  }
  throw new CliFailure(EXIT.failed, 'the daemon answered in a form this command does not know');
}
