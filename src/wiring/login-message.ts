import { renderMotd } from '../deployment/motd.ts';
import { createMotdFile } from '../deployment/motd-file.ts';
import type { MotdOptions } from '../deployment/motd-layout.ts';
import type { Clock } from '../lib/clock.ts';
import type { Finding } from '../status/problem.ts';
import type { Status } from '../status/schema.ts';

/** How often it is looked whether the date has to be renewed. */
const RENEWAL_LOOK_MS = 60_000;

/** The login message, kept true. */
export interface LoginMessage {
  /** Shows a status; returns a finding while the file cannot be written. Never rejects. */
  show(status: Status, change: 'state' | 'progress'): Promise<Finding | null>;
  /** Says that nobody watches from now on. */
  end(status: Status): Promise<void>;
  /** Renews the date of what stands there until `signal` aborts: an old date means that nobody watches. */
  run(signal: AbortSignal, current: () => Status): Promise<void>;
}

/** Makes the writer of the login message at `path`; `options` are asked for with every text. */
export function createLoginMessage(parts: {
  path: string;
  clock: Clock;
  options(): Omit<MotdOptions, 'stopped'>;
}): LoginMessage {
  const { clock } = parts;
  const file = createMotdFile({ path: parts.path, clock });
  const write = (status: Status, change: 'state' | 'progress', stopped: boolean) =>
    file.write(renderMotd(status, { ...parts.options(), stopped }), { change, insist: mustBeSaid(status) });

  return {
    show: (status, change) => write(status, change, false),
    end: async (status) => {
      await write(status, 'state', true);
    },
    async run(signal, current) {
      while (!signal.aborted) {
        await clock.sleep(RENEWAL_LOOK_MS, signal).catch(() => undefined);
        if (!signal.aborted) await write(current(), 'progress', false);
      }
    },
  };
}

/** Once the deployment is completed, a person may remove the message; it comes back when something is wrong. */
function mustBeSaid({ deployment, problems }: Status): boolean {
  return deployment.deployment_status !== 'completed' || problems.length > 0;
}
