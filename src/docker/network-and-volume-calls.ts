import type { Engine } from './engine.ts';
import type { EngineCalls, EngineLimits } from './engine-calls.ts';
import { asList, asRecord, asText } from './json-reader.ts';

type NetworkAndVolumeCalls = Pick<Engine, 'listNetworks' | 'createNetwork' | 'listVolumes' | 'createVolume'>;

/** The calls about networks and volumes. */
export function networkAndVolumeCalls(calls: EngineCalls, limits: EngineLimits): NetworkAndVolumeCalls {
  return {
    listNetworks: (signal) =>
      calls.read('listing networks', limits.readMs, signal, async (docker) =>
        namesOf(await docker.listNetworks()),
      ),
    createNetwork: (name, driver, labels, signal) =>
      calls.change('change', `creating network ${name}`, limits.createMs, signal, async (docker) => {
        await docker.createNetwork({
          Name: name,
          // engines before API 1.44 make a second network of the same name otherwise
          CheckDuplicate: true,
          ...(driver === null ? {} : { Driver: driver }),
          Labels: labels,
        });
      }),
    listVolumes: (signal) =>
      calls.read('listing volumes', limits.readMs, signal, async (docker) =>
        namesOf((await docker.listVolumes()).Volumes),
      ),
    createVolume: (volume, signal) =>
      calls.change('change', `creating volume ${volume.name}`, limits.createMs, signal, async (docker) => {
        await docker.createVolume({
          Name: volume.name,
          ...(volume.driver === null ? {} : { Driver: volume.driver }),
          DriverOpts: volume.driverOptions,
          Labels: volume.labels,
        });
      }),
  };
}

/** Volumes are null, not empty, on an engine without any. */
function namesOf(entries: unknown): string[] {
  return asList(entries)
    .map((entry) => asText(asRecord(entry)['Name']))
    .filter((name) => name !== '');
}
