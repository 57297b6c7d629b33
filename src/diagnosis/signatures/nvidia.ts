import type { Signature } from '../types.ts';
import { NVIDIA_CONTAINER_SIGNATURES } from './nvidia-container.ts';
import { NVIDIA_KERNEL_SIGNATURES } from './nvidia-kernel.ts';
import { NVIDIA_SMI_SIGNATURES } from './nvidia-smi.ts';

/** Wordings of the NVIDIA driver, its tools and its container toolkit. */
export const NVIDIA_SIGNATURES: readonly Signature[] = [
  ...NVIDIA_KERNEL_SIGNATURES,
  ...NVIDIA_CONTAINER_SIGNATURES,
  ...NVIDIA_SMI_SIGNATURES,
];
