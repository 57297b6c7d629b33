import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type HostIdentity, identityFrom } from './identity.ts';
import type { InstanceMetadata } from './metadata.ts';
import type { MetadataClient } from './metadata-client.ts';

/** Pauses between questions that got no answer: a network that comes late is noticed soon, a cloud without the service is left alone. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;

/** The first question loads an HTTP client: on a booted machine the processor belongs to the engine and its containers first. */
const FIRST_QUESTION_MS = 1_000;

/** A label and addresses may change while the machine runs; the plan and the region cannot. */
const REFRESH_MS = 600_000;

/** Knows who this machine is, as soon as somebody tells. */
export interface IdentityKeeper {
  /** Never waits: the host's own name until the cloud has answered. */
  identity(): HostIdentity;
  /** Public addresses by the cloud's word; empty while it is not known. */
  publicAddresses(): readonly string[];
  /** Asks until `signal` aborts, then returns. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Makes the keeper; `onChange` is told of every other answer than the last. */
export function createIdentityKeeper(parts: {
  client: MetadataClient;
  clock: Clock;
  log: Log;
  hostname: string;
  onChange(): void;
}): IdentityKeeper {
  const { client, clock, log, hostname } = parts;
  let known: InstanceMetadata | null = null;

  const take = (found: InstanceMetadata) => {
    if (JSON.stringify(found) === JSON.stringify(known)) return;
    known = found;
    const words = [found.label, found.instanceType, found.region].filter((word) => word !== null);
    log.info(`this machine is ${words.join(', ') || 'not described'} (metadata service)`);
    parts.onChange();
  };

  return {
    identity: () => identityFrom(known, hostname),
    publicAddresses: () => known?.publicAddresses ?? [],
    async run(signal) {
      let pauseMs = FIRST_PAUSE_MS;
      let told = false;
      await clock.sleep(FIRST_QUESTION_MS, signal).catch(() => undefined);
      while (!signal.aborted) {
        try {
          take(await client.read(signal));
          pauseMs = FIRST_PAUSE_MS;
          await clock.sleep(REFRESH_MS, signal);
        } catch (error) {
          if (signal.aborted) return;
          if (!told && known === null) {
            log.info(
              `the metadata service gives no answer, the host's own name is used: ${errorMessage(error)}`,
            );
          }
          told = true;
          await clock.sleep(pauseMs, signal).catch(() => undefined);
          pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        }
      }
    },
  };
}
