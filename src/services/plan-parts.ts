import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { DesiredServices } from './observe.ts';
import type { Known } from './plan-inputs.ts';
import type { Step } from './step.ts';

/** The steps that get the parts of a service, and what it waits for meanwhile. */
interface PartsPlan {
  steps: Step[];
  waitingFor: string | null;
}

/** Image, networks and volumes of a service: the steps to get them, and `image` while that one is not there. */
export function partsOf(service: ServiceSpec, desired: DesiredServices, known: Known): PartsPlan {
  const steps: Step[] = [];
  const image = known.images[service.image];
  if (image === 'missing' || image === 'refresh') {
    const cause =
      image === 'missing' ? `${service.name} needs it and it is not there` : `${service.name} wants it fresh`;
    if (service.pullPolicy !== 'never') steps.push({ action: 'pullImage', image: service.image, cause });
  }
  for (const network of networksOf(service, desired.project)) {
    if (known.networks === null || network.external || known.networks.has(network.name)) continue;
    steps.push({ action: 'createNetwork', network, cause: `${service.name} joins it and it is not there` });
  }
  for (const volume of volumesOf(service, desired.project)) {
    if (known.volumes === null || volume.external || known.volumes.has(volume.name)) continue;
    steps.push({
      action: 'createVolume',
      volume,
      cause: `${service.name} keeps data in it and it is not there`,
    });
  }
  const unasked = image === undefined || known.networks === null || known.volumes === null;
  const waitingFor = image === 'missing' || image === 'refresh' ? 'image' : unasked ? 'docker' : null;
  return { steps, waitingFor };
}

function networksOf(service: ServiceSpec, project: ComposeProject): ComposeProject['networks'] {
  const keys = new Set(service.networks.map((attachment) => attachment.network));
  return service.networkMode === null ? project.networks.filter((network) => keys.has(network.key)) : [];
}

function volumesOf(service: ServiceSpec, project: ComposeProject): ComposeProject['volumes'] {
  const keys = new Set(service.mounts.map((mount) => (mount.kind === 'volume' ? mount.source : null)));
  return project.volumes.filter((volume) => keys.has(volume.key));
}
