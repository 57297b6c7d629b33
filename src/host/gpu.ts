import type { GpuView } from '../status/schema.ts';

/** A program that holds memory of a GPU; null = the driver does not say. */
export interface GpuUser {
  pid: number | null;
  name: string | null;
  memoryBytes: number | null;
}

/** One GPU as its driver describes it; null = the driver does not say. */
export interface GpuFacts {
  index: number | null;
  /** `GPU-…`, stable across boots. */
  uuid: string | null;
  name: string | null;
  /** `00000000:01:00.0`; the kernel log names GPUs by it. */
  pciBusId: string | null;
  /** Memory of the whole card, also when it is divided by MIG. */
  memoryBytes: number | null;
  memoryUsedBytes: number | null;
  memoryFreeBytes: number | null;
  temperatureCelsius: number | null;
  utilizationPercent: number | null;
  powerWatts: number | null;
  /** `8.9`; null with drivers older than 495, which do not tell. */
  computeCapability: string | null;
  driverVersion: string | null;
  /** Highest CUDA version the driver serves. */
  cudaVersion: string | null;
  /** The card is divided into MIG devices; null on cards that cannot be. */
  migEnabled: boolean | null;
  /** Uncorrectable memory errors since the driver was loaded. */
  eccErrorsUncorrected: number | null;
  /** A bad row of the memory is replaced at the next reset. */
  rowRemapPending: boolean | null;
  /** A bad row could not be replaced: the card is to be exchanged. */
  rowRemapFailed: boolean | null;
  /** Programs that compute on it; null: not known. */
  users: readonly GpuUser[] | null;
  /** What the driver asks for (`Reset`, `Reboot`, `Drain and Reset`); null when nothing, or on drivers before 570. */
  recoveryAction: string | null;
}

/** A GPU of which nothing is known yet. */
export const UNKNOWN_GPU: GpuFacts = {
  index: null,
  uuid: null,
  name: null,
  pciBusId: null,
  memoryBytes: null,
  memoryUsedBytes: null,
  memoryFreeBytes: null,
  temperatureCelsius: null,
  utilizationPercent: null,
  powerWatts: null,
  computeCapability: null,
  driverVersion: null,
  cudaVersion: null,
  migEnabled: null,
  eccErrorsUncorrected: null,
  rowRemapPending: null,
  rowRemapFailed: null,
  users: null,
  recoveryAction: null,
};

/** The last XID of a GPU, from the kernel log. */
export interface GpuXid {
  code: number;
  /** RFC 3339. */
  at: string;
  meaning: string;
}

/** One GPU in the words of /status. */
export function gpuView(gpu: GpuFacts, lastXid: GpuXid | null): GpuView {
  return {
    index: gpu.index,
    uuid: gpu.uuid,
    name: gpu.name,
    memory_bytes_total: gpu.memoryBytes,
    memory_bytes_used: gpu.memoryUsedBytes,
    compute_capability: gpu.computeCapability,
    driver_version: gpu.driverVersion,
    cuda_version: gpu.cudaVersion,
    temperature_celsius: gpu.temperatureCelsius,
    utilization_percent: gpu.utilizationPercent,
    power_watts: gpu.powerWatts,
    mig_enabled: gpu.migEnabled,
    ecc_errors_uncorrected: gpu.eccErrorsUncorrected,
    row_remap_pending: gpu.rowRemapPending,
    row_remap_failed: gpu.rowRemapFailed,
    recovery_action: gpu.recoveryAction,
    last_xid: lastXid,
  };
}
