import { posix } from 'node:path';
import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';

/** Labels by which docker compose finds what belongs to a project (docker/compose pkg/api/labels.go). */
export const COMPOSE_LABELS = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  configHash: 'com.docker.compose.config-hash',
  containerNumber: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
  workingDirectory: 'com.docker.compose.project.working_dir',
  configFiles: 'com.docker.compose.project.config_files',
  image: 'com.docker.compose.image',
  dependsOn: 'com.docker.compose.depends_on',
  version: 'com.docker.compose.version',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
} as const;

/** Our own label: `v1:<sha256>` of the resolved service, by which drift is seen. */
export const SPEC_HASH_LABEL = 'io.ai-sandbox.spec-hash';

/** The docker compose whose behaviour ours is compared with; shown where compose shows its version. */
const COMPOSE_VERSION = '2.40.3';

/** Labels of a service's container. `imageId` is null where the image's id is not known yet. */
export function containerLabels(
  project: ComposeProject,
  service: ServiceSpec,
  specHash: string,
  imageId: string | null,
): Record<string, string> {
  return {
    ...service.labels,
    [COMPOSE_LABELS.project]: project.name,
    [COMPOSE_LABELS.service]: service.name,
    [COMPOSE_LABELS.containerNumber]: '1',
    // `docker compose ps` shows only containers that have a config-hash and this exact word.
    [COMPOSE_LABELS.oneOff]: 'False',
    [COMPOSE_LABELS.configHash]: specHash.replace(/^v\d+:/, ''),
    [COMPOSE_LABELS.workingDirectory]: posix.dirname(project.file),
    [COMPOSE_LABELS.configFiles]: project.file,
    [COMPOSE_LABELS.image]: imageId ?? '',
    [COMPOSE_LABELS.dependsOn]: dependencies(service),
    [COMPOSE_LABELS.version]: COMPOSE_VERSION,
    [SPEC_HASH_LABEL]: specHash,
  };
}

/** `NAME:CONDITION:RESTART`: docker compose restarts a service with the one whose network or IPC it shares. */
function dependencies(service: ServiceSpec): string {
  const shared = [service.networkMode, service.ipc];
  return service.dependsOn
    .map((needed) => `${needed.service}:${needed.condition}:${shared.includes(`service:${needed.service}`)}`)
    .join(',');
}

/** Labels of a network of the file. */
export function networkLabels(project: ComposeProject, key: string): Record<string, string> {
  return {
    [COMPOSE_LABELS.project]: project.name,
    [COMPOSE_LABELS.network]: key,
    [COMPOSE_LABELS.version]: COMPOSE_VERSION,
  };
}

/** Labels of a named volume of the file, with the file's own. */
export function volumeLabels(project: ComposeProject, key: string): Record<string, string> {
  return {
    ...project.volumes.find((volume) => volume.key === key)?.labels,
    [COMPOSE_LABELS.project]: project.name,
    [COMPOSE_LABELS.volume]: key,
    [COMPOSE_LABELS.version]: COMPOSE_VERSION,
  };
}
