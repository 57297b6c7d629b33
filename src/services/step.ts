import type { NetworkSpec, ServiceSpec, VolumeSpec } from '../compose/service-spec.ts';
import { unreachable } from '../lib/errors.ts';

/** One call to the engine, with the reason for it in words. */
export type Step = { cause: string } & (
  | { action: 'createNetwork'; network: NetworkSpec }
  | { action: 'createVolume'; volume: VolumeSpec }
  | { action: 'pullImage'; image: string }
  | { action: 'createContainer'; service: ServiceSpec; hash: string }
  | { action: 'startContainer'; service: string; containerId: string }
  | { action: 'stopContainer'; service: string; containerId: string; graceMs: number; reason: StopReason }
  | { action: 'killContainer'; service: string; containerId: string; reason: StopReason }
  | { action: 'removeContainer'; service: string; containerId: string; force: boolean }
  | { action: 'setRestartPolicy'; service: string; containerId: string }
);

/** Why we end a container ourselves. */
export type StopReason = 'user' | 'recreate' | 'removed' | 'hang' | 'stalled';

/**
 * Steps of one lane are made one after the other; lanes do not wait for each other, so a call that hangs for one
 * service never holds up another.
 */
export function laneOf(step: Step): string {
  switch (step.action) {
    case 'createNetwork':
      return `network:${step.network.name}`;
    case 'createVolume':
      return `volume:${step.volume.name}`;
    case 'pullImage':
      return imageLane(step.image);
    case 'createContainer':
      return serviceLane(step.service.name);
    case 'startContainer':
    case 'stopContainer':
    case 'killContainer':
    case 'removeContainer':
    case 'setRestartPolicy':
      return serviceLane(step.service);
    default:
      return unreachable(step);
  }
}

/** The lane in which an image is pulled. */
export function imageLane(reference: string): string {
  return `image:${reference}`;
}

/** The lane in which the container of a service is handled. */
export function serviceLane(service: string): string {
  return `service:${service}`;
}

/** One line of a plan. */
export function formatStep(step: Step): string {
  return `${step.action} ${objectOf(step)}: ${step.cause}`;
}

/** A plan as text, for the log and for golden tests. */
export function formatPlan(steps: readonly Step[]): string {
  return steps.length === 0 ? 'nothing to do' : steps.map(formatStep).join('\n');
}

function objectOf(step: Step): string {
  switch (step.action) {
    case 'createNetwork':
      return step.network.name;
    case 'createVolume':
      return step.volume.name;
    case 'pullImage':
      return step.image;
    case 'createContainer':
      return step.service.name;
    case 'stopContainer':
      return `${step.service} (${step.containerId.slice(0, 12)}) within ${step.graceMs / 1000} s`;
    case 'startContainer':
    case 'killContainer':
    case 'removeContainer':
    case 'setRestartPolicy':
      return `${step.service} (${step.containerId.slice(0, 12)})`;
    default:
      return unreachable(step);
  }
}
