import type { ProblemCode } from '../status/problem-table.ts';

/** What one XID, the NVIDIA driver's error number in the kernel log, means. */
export interface XidRow {
  meaning: string;
  /** Null: a report of normal work; no problem by itself. */
  code: ProblemCode | null;
  /** Mostly follows from another XID near it, which tells the cause. */
  secondary?: true;
}

const fault = (meaning: string): XidRow => ({ meaning, code: 'gpu_fault' });
const reset = (meaning: string): XidRow => ({ meaning, code: 'gpu_needs_reset' });
const hardware = (meaning: string): XidRow => ({ meaning, code: 'gpu_hardware_error' });
const notice = (meaning: string): XidRow => ({ meaning, code: null });

/** Numbers that mean the same for several engines of the GPU. */
function each(numbers: readonly number[], row: XidRow): Record<number, XidRow> {
  return Object.fromEntries(numbers.map((number) => [number, row]));
}

/**
 * XIDs that a compute GPU reports. Numbers and names: nverror.h of NVIDIA's open kernel modules 595.45; what to do: the
 * "immediate action" of NVIDIA's XID catalogue (docs.nvidia.com/deploy/xid-errors, 2025-10). Restart of the application is
 * `gpu_fault`; reset of the GPU, or restart of the machine where a reset may not do, is `gpu_needs_reset`.
 */
export const XID_TABLE: Readonly<Record<number, XidRow>> = {
  8: fault('the GPU stopped processing'),
  ...each([11, 25, 32], fault('invalid or corrupted commands were sent to the GPU')),
  13: fault('exception in the compute engine, mostly an access out of bounds'),
  31: fault('memory page fault on the GPU: an illegal address was used'),
  ...each([37, 38], notice('error in the firmware of the driver')),
  ...each([39, 40, 41, 70, 71, 72, 75, 76, 77, 85], fault('exception in a copy engine')),
  ...each([126, 127, 128, 129, 130, 131, 132, 133, 134, 135], fault('exception in a copy engine')),
  43: { ...fault('the GPU stopped processing for one program'), secondary: true },
  44: { ...fault('fault while the GPU changed from one program to another'), secondary: true },
  45: {
    ...fault('the work of a program was removed from the GPU, mostly after another error'),
    secondary: true,
  },
  46: reset('the GPU stopped processing and did not answer'),
  48: hardware('uncorrectable (double bit) error in the memory of the GPU'),
  54: hardware('the auxiliary power of the GPU is not connected'),
  ...each([56, 57, 58, 59, 61], reset('internal error of the GPU')),
  60: fault('exception in a video engine'),
  62: reset('the power management processor of the GPU halted'),
  63: reset('a bad row of the GPU memory is replaced at the next reset'),
  64: hardware('a bad row of the GPU memory could not be replaced'),
  ...each([65, 68, 73, 82, 83, 84, 86, 88, 89, 139, 142], fault('exception in a video or image engine')),
  ...each([96, 97, 98, 99, 100, 101, 102, 103, 104, 105], fault('exception in a video or image engine')),
  ...each([66, 67], notice('illegal access by the driver')),
  69: fault('exception in the compute engine: unknown command class'),
  74: hardware('error of an NVLink connection'),
  78: {
    meaning: 'the virtual GPU could not be started: the guest driver does not fit the host',
    code: 'gpu_unsupported',
  },
  79: { meaning: 'the GPU has fallen off the bus', code: 'gpu_lost' },
  80: fault('corrupted data arrived at the GPU'),
  92: hardware('many single bit errors in the memory of the GPU'),
  93: notice('the store of the GPU for its own settings wears out'),
  94: fault('memory error of the GPU, contained to one program'),
  95: reset('memory error of the GPU, not contained to one program'),
  ...each([106, 107], notice('test message')),
  109: reset('the GPU did not change to another program in time'),
  110: reset('security fault in the GPU'),
  119: reset('the system processor of the GPU (GSP) does not answer'),
  120: reset('error in the system processor of the GPU (GSP)'),
  121: hardware('error of the link between CPU and GPU (C2C)'),
  ...each([122, 123, 124], reset('the flash memory of the GPU cannot be used')),
  125: hardware('damaged store of the GPU for its own settings (InfoROM)'),
  136: hardware('an NVLink connection could not be trained'),
  137: fault('access over NVLink without permission'),
  140: hardware('uncorrectable memory error of the GPU'),
  143: reset('the GPU could not be initialised'),
  ...each([144, 145, 146, 147, 148, 149, 150, 155], hardware('error of an NVLink connection')),
  151: reset('error while the GPU changed its encryption key'),
  154: { ...reset('the driver asks for a recovery of the GPU'), secondary: true },
  156: reset('a faulty part of the GPU is retired at the next reset'),
  157: hardware('a faulty part of the GPU could not be retired'),
  158: reset('the GPU did not answer in time'),
  ...each([160, 161], hardware('a memory channel of the GPU was retired')),
  167: { meaning: 'the GPU did not answer over PCIe in time', code: 'gpu_lost' },
  168: hardware('a part of the GPU memory is no longer usable'),
  169: reset('the security processor of the GPU halted'),
  ...each([171, 172, 175], hardware('uncorrectable memory error of the GPU')),
  173: hardware('fatal error of the link between CPU and GPU (C2C)'),
};

/** What an XID means; numbers that the table does not have are named as such, and count as a fault of a program. */
export function xidRow(number: number): XidRow {
  return XID_TABLE[number] ?? fault(`error ${number} of the NVIDIA driver`);
}
