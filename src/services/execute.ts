import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import type { CreateRequest, Engine, PullProgress } from '../docker/engine.ts';
import { networkLabels, volumeLabels } from '../docker/labels.ts';
import { imageSpace } from './image-space.ts';
import type { Step } from './step.ts';

/** Makes the engine's create call of a service. */
export type CreateRequestMaker = (
  project: ComposeProject,
  service: ServiceSpec,
  specHash: string,
  extras: { apiVersion: string; imageId: string | null },
) => CreateRequest;

/** What a step needs beside itself. */
export interface ExecuteContext {
  engine: Engine;
  project: ComposeProject;
  apiVersion: string;
  /** Id of the image, for the label that docker compose shows. */
  imageId(reference: string): string | null;
  createRequest: CreateRequestMaker;
  onPullProgress(image: string, progress: PullProgress): void;
}

type StepOf<A extends Step['action']> = Extract<Step, { action: A }>;

/** One function a step: a step without one does not compile. The id of a new container, else nothing. */
type Executors = {
  [A in Step['action']]: (
    step: StepOf<A>,
    context: ExecuteContext,
    signal: AbortSignal,
  ) => Promise<string | undefined>;
};

const EXECUTORS: Executors = {
  createNetwork: async ({ network }, { engine, project }, signal) => {
    const labels = networkLabels(project, network.key);
    await engine.createNetwork(network.name, network.driver, labels, signal);
    return undefined;
  },
  createVolume: async ({ volume }, { engine, project }, signal) => {
    const { name, driver, driverOptions } = volume;
    const labels = volumeLabels(project, volume.key);
    await engine.createVolume({ name, driver, driverOptions, labels }, signal);
    return undefined;
  },
  pullImage: async ({ image }, { engine, project, onPullProgress }, signal) => {
    const requiredBytes = imageSpace(project, image);
    const options = requiredBytes === undefined ? {} : { requiredBytes };
    await engine.pullImage(image, (progress) => onPullProgress(image, progress), signal, options);
    return undefined;
  },
  createContainer: ({ service, hash }, context, signal) => {
    const extras = { apiVersion: context.apiVersion, imageId: context.imageId(service.image) };
    return context.engine.createContainer(
      context.createRequest(context.project, service, hash, extras),
      signal,
    );
  },
  startContainer: async ({ containerId }, { engine }, signal) => {
    await engine.startContainer(containerId, signal);
    return undefined;
  },
  stopContainer: async ({ containerId, graceMs }, { engine }, signal) => {
    await engine.stopContainer(containerId, graceMs, signal);
    return undefined;
  },
  killContainer: async ({ containerId }, { engine }, signal) => {
    await engine.killContainer(containerId, signal);
    return undefined;
  },
  removeContainer: async ({ containerId, force }, { engine }, signal) => {
    await engine.removeContainer(containerId, { force }, signal);
    return undefined;
  },
  setRestartPolicy: async ({ containerId }, { engine }, signal) => {
    await engine.setRestartPolicy(containerId, 'no', signal);
    return undefined;
  },
};

/**
 * Makes the one call of a step; decides nothing. Rejects with the engine's error.
 * The call leaves before this function returns.
 */
export function execute(
  step: Step,
  context: ExecuteContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  return run(step.action, step, context, signal);
}

function run<A extends Step['action']>(
  action: A,
  step: Step,
  context: ExecuteContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const executor: Executors[A] = EXECUTORS[action];
  return executor(step as StepOf<A>, context, signal);
}
