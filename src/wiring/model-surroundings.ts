import { totalmem } from 'node:os';
import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { Engine } from '../docker/engine.ts';
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
  look(services: Pick<ServicesSnapshot, 'services' | 'docker'>): void;
  /** The GPUs may be others: a driver was installed, the plan became known. */
  refresh(): Promise<void>;
}

/** Parts of {@link createModelSurroundings}. */
export interface ModelSurroundingsParts {
  gpus: Pick<GpuReader, 'read'>;
  engine: Pick<Engine, 'info'>;
  /** The cloud's name of this machine's plan; null while it is not known. */
  instanceType(): string | null;
  /** Something is known that was not; called only after a change. */
  onChange(): void;
}

/** Gathers them. The plan stands for GPUs whose driver is still being installed. */
export function createModelSurroundings(parts: ModelSurroundingsParts): ModelSurroundings {
  let api: ServiceSpec | null = null;
  let project: ComposeProject | null = null;
  let engineOptions: EngineOptions = DEFAULT_ENGINE_OPTIONS;
  let found: readonly GpuMemory[] | null = null;
  let views: ServicesSnapshot['services'] = {};
  let imageDirectory: string | null = null;
  let asked = false;
  let told = '';

  const get = (): Surroundings => ({
    gpus: visible(found !== null && found.length > 0 ? found : planGpus(parts.instanceType()), api),
    ramBytes: Math.min(totalmem(), api?.memoryLimitBytes ?? Number.POSITIVE_INFINITY),
    engine: engineOptions,
    claims: project === null || imageDirectory === null ? [] : imageClaims(project, views, imageDirectory),
    plans: GPU_PLANS,
  });
  const tell = () => {
    const { gpus, ramBytes, engine } = get();
    const now = JSON.stringify([gpus, ramBytes, engine]);
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
    look({ services, docker }) {
      views = services;
      if (!docker.reachable) asked = false;
      if (!docker.reachable || asked) return;
      asked = true;
      parts.engine.info().then(
        (info) => {
          ({ imageDirectory } = info);
        },
        () => {
          asked = false;
        },
      );
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

/** Bytes of the images that are still to be unpacked, each image once. */
function imageClaims(
  project: ComposeProject,
  views: ServicesSnapshot['services'],
  directory: string,
): SpaceClaim[] {
  const claims = new Map<string, SpaceClaim>();
  for (const { name, image } of project.services) {
    const view = views[name];
    if (view === undefined || (view.pull === null && view.waiting_for !== 'image')) continue;
    const { bytes_done: done, bytes_total: total } = view.pull ?? { bytes_done: 0, bytes_total: null };
    const missing = total === null || total === 0 ? 1 : Math.max(0, 1 - done / total);
    const bytes = (imageSpace(project, image) ?? 0) * missing;
    claims.set(image, { directory, bytes, what: `the image ${image}` });
  }
  return [...claims.values()];
}
