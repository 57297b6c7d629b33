import { type Static, Type } from 'typebox';
import { flagValue } from '../compose/served-model.ts';
import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { StateSection } from '../lib/state-store.ts';

const nullableText = Type.Union([Type.String(), Type.Null()]);

/** One flag that was changed to heal a service, and all that it holds for. */
const OverrideSchema = Type.Object({
  service: Type.String(),
  flag: Type.String(),
  value: Type.String(),
  /** What the file itself says of the flag; null: nothing. Another value there is a user's edit, which wins. */
  instead: nullableText,
  model: nullableText,
  image: Type.String(),
  /** Null: the machine's GPU was not known. */
  gpu: nullableText,
  cause: Type.String(),
  /** RFC 3339. */
  since: Type.String(),
});
type Override = Static<typeof OverrideSchema>;

/** The part of the state file with the overrides. */
export const OverridesSchema = Type.Array(OverrideSchema);

/** What an override depends on beside the service's own part of the file. */
export interface OverrideCase {
  model: string | null;
  /** Null: not known (yet); then an override is kept. */
  gpu: string | null;
}

/** Flags that the daemon changed by itself, kept in the state file until what they were made for has changed. */
export interface Overrides {
  /** The flags by service that hold now; those that hold no more are forgotten. One that was made before the GPU was known is bound to it. */
  current(project: ComposeProject, of: OverrideCase): Record<string, Record<string, string>>;
  /**
   * Adds one; false where it would change nothing for the better: a number must be smaller than the one that failed.
   */
  add(
    service: ServiceSpec,
    heal: { flag: string; value: string; cause: string },
    of: OverrideCase,
    at: string,
  ): boolean;
}

/** Makes it over its section of the state file. */
export function createOverrides(section: StateSection<Override[]>, log: Log): Overrides {
  const keep = (overrides: Override[]) => {
    section
      .set(overrides)
      .catch((error: unknown) => log.warn(`the overrides could not be written: ${errorMessage(error)}`));
  };
  return {
    current(project, of) {
      const all = section.get();
      const held: Override[] = [];
      const byService: Record<string, Record<string, string>> = {};
      for (const override of all) {
        const service = project.services.find(({ name }) => name === override.service);
        const ended = reasonToEnd(override, service, of);
        if (ended === null) {
          held.push({ ...override, gpu: override.gpu ?? of.gpu });
          byService[override.service] = {
            ...byService[override.service],
            [override.flag]: override.value,
          };
        } else {
          log.info(`${override.service}: ${override.flag} ${override.value} is taken back: ${ended}`);
        }
      }
      const bound = all.some(({ gpu }) => gpu === null) && of.gpu !== null;
      if (bound || held.length !== all.length) keep(held);
      return byService;
    },
    add(service, heal, of, at) {
      const all = section.get();
      const own = (entry: Override) => entry.service === service.name && entry.flag === heal.flag;
      const instead = flagValue(service.command ?? [], heal.flag);
      const present = all.find(own)?.value ?? instead;
      if (present !== null && Number(present) > 0 && Number(heal.value) >= Number(present)) return false;
      const { flag, value, cause } = heal;
      const { name, image } = service;
      keep([
        ...all.filter((entry) => !own(entry)),
        { service: name, flag, value, instead, ...of, image, cause, since: at },
      ]);
      return true;
    },
  };
}

/** Why an override holds no more; null while it does. */
function reasonToEnd(override: Override, service: ServiceSpec | undefined, of: OverrideCase): string | null {
  if (service === undefined) return 'the service is not in the compose file any more';
  if (service.image !== override.image) return 'the image has changed';
  if (of.model !== override.model) return 'the model has changed';
  if (of.gpu !== null && override.gpu !== null && of.gpu !== override.gpu) return 'the GPU has changed';
  const said = flagValue(service.command ?? [], override.flag);
  return said === override.instead ? null : `the compose file now says ${said ?? 'nothing'} of it`;
}
