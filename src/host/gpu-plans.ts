const GIB = 1024 ** 3;

/** What a plan with GPUs consists of, as the provider sells it. What `nvidia-smi` reports of a machine wins over this. */
export interface GpuPlan {
  /** Plan id, as the metadata service names it in `type`. */
  id: string;
  /** Name of one card, as `nvidia-smi` begins it after "NVIDIA". */
  gpuModel: string;
  gpuCount: number;
  /** Nominal memory of one card; its driver keeps some per cent of it for itself (and for ECC). */
  gpuMemoryBytes: number;
  /** CUDA compute capability; below 8.0 there is no bfloat16. */
  computeCapability: string;
  ramBytes: number | null;
  /** Null where no public list states it. */
  diskBytes: number | null;
}

type Card = Pick<GpuPlan, 'gpuModel' | 'gpuMemoryBytes' | 'computeCapability'>;

const QUADRO_RTX_6000: Card = {
  gpuModel: 'Quadro RTX 6000',
  gpuMemoryBytes: 24 * GIB,
  computeCapability: '7.5',
};
const RTX_4000_ADA: Card = {
  gpuModel: 'RTX 4000 Ada Generation',
  gpuMemoryBytes: 20 * GIB,
  computeCapability: '8.9',
};
const RTX_PRO_6000: Card = {
  gpuModel: 'RTX PRO 6000 Blackwell',
  gpuMemoryBytes: 96 * GIB,
  computeCapability: '12.0',
};

/**
 * The GPU plans of Linode, from the smallest of a card to the largest. First generation: the provider's own catalogue
 * (github.com/linode/manager, `types.json`); later ones: public lists that agree. Prices are left out: they differ by region.
 */
export const GPU_PLANS: readonly GpuPlan[] = [
  plan('g2-gpu-rtx4000a1-s', RTX_4000_ADA, 1, 16),
  plan('g2-gpu-rtx4000a1-m', RTX_4000_ADA, 1, 32),
  plan('g2-gpu-rtx4000a1-l', RTX_4000_ADA, 1, 64),
  plan('g2-gpu-rtx4000a1-xl', RTX_4000_ADA, 1, 128),
  plan('g2-gpu-rtx4000a2-s', RTX_4000_ADA, 2, 32),
  plan('g2-gpu-rtx4000a2-m', RTX_4000_ADA, 2, 64),
  plan('g2-gpu-rtx4000a2-hs', RTX_4000_ADA, 2, 64),
  plan('g2-gpu-rtx4000a4-s', RTX_4000_ADA, 4, 128),
  plan('g2-gpu-rtx4000a4-m', RTX_4000_ADA, 4, 196),
  plan('g1-gpu-rtx6000-1', QUADRO_RTX_6000, 1, 32, 640),
  plan('g1-gpu-rtx6000-2', QUADRO_RTX_6000, 2, 64, 1280),
  plan('g1-gpu-rtx6000-3', QUADRO_RTX_6000, 3, 96, 1920),
  plan('g1-gpu-rtx6000-4', QUADRO_RTX_6000, 4, 128, 2560),
  plan('g3-gpu-rtxpro6000-blackwell-1', RTX_PRO_6000, 1, 176),
  plan('g3-gpu-rtxpro6000-blackwell-2', RTX_PRO_6000, 2, null),
  plan('g3-gpu-rtxpro6000-blackwell-4', RTX_PRO_6000, 4, null),
];

/** The plan of this id; null for one that is not in the table, which is no error: new plans appear. */
export function gpuPlan(id: string | null): GpuPlan | null {
  return GPU_PLANS.find((known) => known.id === id) ?? null;
}

/** Nominal memory of all cards of a plan together. */
export function totalGpuMemoryBytes(known: GpuPlan): number {
  return known.gpuCount * known.gpuMemoryBytes;
}

function plan(
  id: string,
  card: Card,
  gpuCount: number,
  ramGib: number | null,
  diskGib: number | null = null,
): GpuPlan {
  return {
    id,
    ...card,
    gpuCount,
    ramBytes: ramGib === null ? null : ramGib * GIB,
    diskBytes: diskGib === null ? null : diskGib * GIB,
  };
}
