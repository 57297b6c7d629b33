import type { Finding } from '../status/problem.ts';
import type { NegotiatedVersion } from './api-version.ts';
import type { EngineInfo } from './engine.ts';
import { asList, asRecord, asText } from './json-reader.ts';

/** Where containerd keeps images when the engine leaves them to it (the default of new installations from Docker 29 on). */
const CONTAINERD_DIRECTORY = '/var/lib/containerd';

/** Reduces the answer of `GET /info` to what decisions need. */
export function parseEngineInfo(answer: unknown, version: NegotiatedVersion): EngineInfo {
  const fields = asRecord(answer);
  const rootDirectory = asText(fields['DockerRootDir'], '/var/lib/docker');
  return {
    version: asText(fields['ServerVersion'], version.engineVersion),
    apiVersion: version.newest,
    rootDirectory,
    imageDirectory: usesContainerdStore(fields['DriverStatus']) ? CONTAINERD_DIRECTORY : rootDirectory,
    runtimes: Object.keys(asRecord(fields['Runtimes'])),
    cdiDevices: asList(fields['DiscoveredDevices'])
      .map((device) => asRecord(device))
      .filter((device) => asText(device['Source']) === 'cdi')
      .map((device) => asText(device['ID'])),
    securityOptions: asList(fields['SecurityOptions']).map((option) => optionName(asText(option))),
  };
}

/** `name=seccomp,profile=default` → `seccomp`. */
function optionName(option: string): string {
  return (option.split(',')[0] ?? '').replace(/^name=/, '');
}

function usesContainerdStore(driverStatus: unknown): boolean {
  return asList(driverStatus).some((pair) => asText(asList(pair)[1]).startsWith('io.containerd.snapshotter'));
}

/** Why the daemon cannot work with this engine; null when it can. */
export function unsupportedReason(info: EngineInfo): Finding | null {
  if (info.securityOptions.includes('rootless')) {
    return { code: 'engine_unsupported', detail: 'the engine runs rootless' };
  }
  if (info.securityOptions.includes('userns')) {
    return { code: 'engine_unsupported', detail: 'the engine remaps users (userns-remap)' };
  }
  return null;
}
