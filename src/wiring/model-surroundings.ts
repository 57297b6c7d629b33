import { totalmem } from 'node:os';
import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import { GPU_PLANS, gpuPlan } from '../host/gpu-plans.ts';
import type { GpuReader } from '../host/gpu-reader.ts';
import {
  DEFAULT_ENGINE_OPTIONS,
  type EngineOptions,
  type GpuMemory,
  type SpaceClaim,
  type Surroundings,
} from '../model/surroundings.ts';
import { imageSpace } from '../services/image-space.ts';
import type { ServicesSnapshot } from '../services/types.ts';
import { readEngineOptions } from './engine-options.ts';

/** What the model room has to know of machine, files and services. */
export interface ModelSurroundings {
  get(): Surroundings;
  /** The files say something new. */
  setProject(project: ComposeProject): void;
  /** The services have changed; images come and go. */
  look(services: Pick<ServicesSnapshot, 'services' | 'docker' | 'imageDirectory'>): void;
  /** The GPUs may be others: a driver was installed, the plan became known. */
  refresh(): Promise<void>;
}

/** Parts of {@link createModelSurroundings}. */
export interface ModelSurroundingsParts {
  gpus: Pick<GpuReader, 'read'>;
  /** The cloud's name of this machine's plan; null while it is not known. */
  instanceType(): string | null;
  /** Something is known that was not; called only after a change. */
  onChange(): void;
}

/** Where Docker keeps its images unless it says something else. */
const USUAL_IMAGE_DIRECTORY = '/var/lib/docker';

/**
 * Gathers them. The plan stands for GPUs whose driver is still being installed, the whole images for those that Docker has
 * not told of: it may answer long after the download has begun.
 */
export function createModelSurroundings(parts: ModelSurroundingsParts): ModelSurroundings {
  let api: ServiceSpec | null = null;
  let project: ComposeProject | null = null;
  let engineOptions: EngineOptions = DEFAULT_ENGINE_OPTIONS;
  let found: readonly GpuMemory[] | null = null;
  /** Share of each image that is still to come, as Docker said last. */
  const missing = new Map<string, number>();
  let imageDirectory = USUAL_IMAGE_DIRECTORY;
  let told = '';

  const get = (): Surroundings => ({
    gpus: visible(found !== null && found.length > 0 ? found : planGpus(parts.instanceType()), api),
    ramBytes: Math.min(totalmem(), api?.memoryLimitBytes ?? Number.POSITIVE_INFINITY),
    engine: engineOptions,
    claims: project === null ? [] : imageClaims(project, missing, imageDirectory),
    plans: GPU_PLANS,
  });
  const tell = () => {
    const { gpus, ramBytes, engine, claims } = get();
    // Which images are still to come, not how much of them: that changes all the time.
    const images = claims.map(({ directory, what }) => [directory, what]);
    const now = JSON.stringify([gpus, ramBytes, engine, images]);
    if (now === told) return;
    told = now;
    parts.onChange();
  };

  return {
    get,
    setProject(next) {
      project = next;
      api = next.services.find(({ name }) => name === 'api') ?? null;
      engineOptions = api === null ? DEFAULT_ENGINE_OPTIONS : readEngineOptions(api);
      tell();
    },
    look({ services, docker, imageDirectory: known }) {
      if (!docker.reachable) return;
      imageDirectory = known ?? imageDirectory;
      for (const { name, image } of project?.services ?? []) {
        const view = services[name];
        if (view !== undefined) missing.set(image, missingShare(view));
      }
      tell();
    },
    async refresh() {
      const { gpus } = await parts.gpus.read();
      found = gpus;
      tell();
    },
  };
}

/** The cards that a plan has; null where the plan is not known or has none. */
function planGpus(instanceType: string | null): readonly GpuMemory[] | null {
  const plan = gpuPlan(instanceType);
  if (plan === null) return null;
  return Array.from({ length: plan.gpuCount }, () => ({
    name: plan.gpuModel,
    memoryBytes: plan.gpuMemoryBytes,
    computeCapability: plan.computeCapability,
  }));
}

/** The GPUs that the service is given: all, so many, or named ones. */
function visible(gpus: readonly GpuMemory[] | null, api: ServiceSpec | null): readonly GpuMemory[] | null {
  const request = api?.deviceRequests[0];
  if (gpus === null || request === undefined) return gpus;
  if (request.deviceIds.length > 0) return gpus.slice(0, request.deviceIds.length);
  return request.count !== null && request.count > 0 ? gpus.slice(0, request.count) : gpus;
}

/** The part of an image that a service waits for, from 0 to 1. */
function missingShare({ pull, waiting_for: waitingFor }: ServicesSnapshot['services'][string]): number {
  if (pull === null) return waitingFor === 'image' ? 1 : 0;
  return pull.percent === null ? 1 : 1 - pull.percent / 100;
}

/** Bytes of the images that are still to be unpacked, each image once; one that Docker has not told of yet counts as a whole. */
function imageClaims(
  project: ComposeProject,
  missing: ReadonlyMap<string, number>,
  directory: string,
): SpaceClaim[] {
  const images = new Set(project.services.map(({ image }) => image));
  return [...images].flatMap((image) => {
    const bytes = (imageSpace(project, image) ?? 0) * (missing.get(image) ?? 1);
    return bytes === 0 ? [] : [{ directory, bytes, what: `the image ${image}` }];
  });
}
