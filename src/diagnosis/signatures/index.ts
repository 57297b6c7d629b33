import type { Signature } from '../types.ts';
import { DOCKER_SIGNATURES } from './docker.ts';
import { HUB_SIGNATURES } from './hub.ts';
import { HUB_NETWORK_SIGNATURES } from './hub-network.ts';
import { NVIDIA_SIGNATURES } from './nvidia.ts';
import { OPEN_WEBUI_SIGNATURES } from './open-webui.ts';
import { VLLM_ARGUMENT_SIGNATURES } from './vllm-arguments.ts';
import { VLLM_FILE_SIGNATURES } from './vllm-files.ts';
import { VLLM_GPU_SIGNATURES } from './vllm-gpu.ts';
import { VLLM_MACHINE_SIGNATURES } from './vllm-machine.ts';
import { VLLM_MEMORY_SIGNATURES } from './vllm-memory.ts';
import { VLLM_MODEL_SIGNATURES } from './vllm-model.ts';
import { VLLM_PARALLEL_SIGNATURES } from './vllm-parallel.ts';
import { VLLM_PLACE_SIGNATURES } from './vllm-places.ts';
import { VLLM_RUNTIME_SIGNATURES } from './vllm-runtime.ts';
import { VLLM_SOFTWARE_SIGNATURES } from './vllm-software.ts';

/**
 * All signatures, the particular before the general: of those that fit the same message the first is taken.
 * What reports another failure comes last, so that it loses to the cause that it quotes.
 */
export const SIGNATURES: readonly Signature[] = [
  ...NVIDIA_SIGNATURES,
  ...DOCKER_SIGNATURES,
  ...OPEN_WEBUI_SIGNATURES,
  ...VLLM_FILE_SIGNATURES,
  ...VLLM_MEMORY_SIGNATURES,
  ...VLLM_PARALLEL_SIGNATURES,
  ...VLLM_MACHINE_SIGNATURES,
  ...VLLM_GPU_SIGNATURES,
  ...HUB_SIGNATURES,
  ...HUB_NETWORK_SIGNATURES,
  ...VLLM_MODEL_SIGNATURES,
  ...VLLM_SOFTWARE_SIGNATURES,
  ...VLLM_ARGUMENT_SIGNATURES,
  ...VLLM_PLACE_SIGNATURES,
  ...VLLM_RUNTIME_SIGNATURES,
];
