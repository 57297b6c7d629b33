import type { Signature } from '../types.ts';
import { DOCKER_CONTAINER_SIGNATURES } from './docker-container.ts';
import { DOCKER_ENGINE_SIGNATURES } from './docker-engine.ts';
import { DOCKER_MOUNT_SIGNATURES } from './docker-mount.ts';
import { DOCKER_NETWORK_SIGNATURES } from './docker-network.ts';
import { DOCKER_REGISTRY_SIGNATURES } from './docker-registry.ts';
import { KERNEL_MEMORY_SIGNATURES } from './kernel-memory.ts';

/** Wordings of Docker Engine, containerd, runc and registries; the ones that name most come first. */
export const DOCKER_SIGNATURES: readonly Signature[] = [
  ...DOCKER_NETWORK_SIGNATURES,
  ...DOCKER_MOUNT_SIGNATURES,
  ...DOCKER_CONTAINER_SIGNATURES,
  ...DOCKER_REGISTRY_SIGNATURES,
  ...KERNEL_MEMORY_SIGNATURES,
  ...DOCKER_ENGINE_SIGNATURES,
];
