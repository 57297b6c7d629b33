import { XID_TABLE, xidRow } from '../../host/xid.ts';
import type { ProblemCode } from '../../status/problem-table.ts';
import type { Signature } from '../types.ts';

const CHECKED =
  'open kernel modules 515 to 595.45 (nverror.h, osinit.c, nv.c), XID catalogue of NVIDIA 2025-10; user reports with drivers 390 to 615';

/** `NVRM: Xid (PCI:0000:01:00): 79, pid=…`; drivers before 390 leave `PCI:` out. The message is joined where it is wrapped. */
function xidPattern(numbers: readonly number[]): RegExp {
  return new RegExp(`NVRM: Xid \\((?:PCI:)?(?<bus>[0-9a-fA-F:.]{7,14})\\): (?<xid>${numbers.join('|')})\\b`);
}

/** Newer drivers name the cause of a removed channel: `Ch 00000001 caused by previous Xid 149`. */
function causePattern(numbers: readonly number[]): RegExp {
  return new RegExp(
    `NVRM: Xid \\((?:PCI:)?(?<bus>[0-9a-fA-F:.]{7,14})\\): 45,.{0,160}caused by previous Xid (?<xid>${numbers.join('|')})\\b`,
  );
}

/** One signature for all XIDs with the same problem. */
function xids(
  id: string,
  code: ProblemCode,
  symptom: string,
  samples: readonly string[],
  more: Partial<Signature> = {},
): Signature {
  const { patterns = [], ...rest } = more;
  const secondary = rest.strength === 'secondary';
  const numbers = Object.entries(XID_TABLE)
    .filter(([, row]) => row.code === code && (row.secondary === true) === secondary)
    .map(([number]) => Number(number));
  return {
    id,
    family: 'nvidia',
    code,
    strength: 'host',
    symptom,
    patterns: [
      ...(numbers.length === 0 ? [] : [xidPattern(numbers)]),
      ...(numbers.length === 0 || secondary ? [] : [causePattern(numbers)]),
      ...patterns,
    ],
    detail: ({ xid, bus, line }) =>
      xid === undefined
        ? (line ?? symptom)
        : `XID ${xid} of the GPU at ${bus}: ${xidRow(Number(xid)).meaning}`,
    samples,
    checkedAgainst: CHECKED,
    ...rest,
  };
}

/** What the kernel log tells about GPU and driver. */
export const NVIDIA_KERNEL_SIGNATURES: readonly Signature[] = [
  xids(
    'gpu_lost',
    'gpu_lost',
    'kernel: NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus',
    [
      "NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
      'NVRM: GPU 0000:65:00.0: GPU has fallen off the bus.',
      'Unable to determine the device handle for GPU0000:02:00.0: GPU is lost.  Reboot the system to recover this GPU',
      'Unable to determine the device handle for GPU 0000:0B:00.0: Unknown Error',
      'pynvml.NVMLError_GpuIsLost: GPU is lost',
    ],
    {
      patterns: [
        /(?<line>(?:NVRM\b.{0,80}?)?fallen off the bus)/i,
        /(?<line>Unable to determine the device handle for .{0,30}: (?:GPU is lost|Unknown Error|GPU requires reset|Not Found))/i,
        /(?<line>NVMLError_GpuIsLost)|NVML: GPU is lost|ERROR_GPU_IS_LOST/,
        /(?<line>nvml error: gpu (?:is )?lost)/i,
        /(?<line>failed to get device handle from (?:UUID|index)\b.{0,80}(?:Unknown Error|GPU is lost|ERROR_UNKNOWN|ERROR_GPU_IS_LOST))/i,
        /(?<line>NVRM: The NVIDIA GPU \S+ .{0,60}(?:fell off|is not responding))/,
      ],
    },
  ),
  xids(
    'gpu_hardware',
    'gpu_hardware_error',
    'kernel: NVRM: Xid (PCI:0000:01:00): 48, uncorrectable error of the GPU memory',
    [
      'NVRM: Xid (PCI:0000:3b:00): 48, pid=1234, name=python3, An uncorrectable double bit error (DBE) has been detected on GPU in the framebuffer at partition 6, subpartition 0.',
      'NVRM: Xid (PCI:0000:3b:00): 64, Row Remapper: Failed to remap row',
      'NVRM: Xid (PCI:0000:3b:00): 74, pid=77, name=python3, NVLink: fatal error detected on link 2(0x10000, 0x0, 0x0, 0x0)',
      'NVRM: Xid (PCI:0000:dc:00): 45, pid=1818990, name=python3, Ch 00000001 caused by previous Xid 149',
      'nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 30 LTSSM Fault Up',
    ],
    {
      patterns: [
        /(?<line>SXid \(PCI:[0-9a-fA-F:.]{7,14}\): \d+, (?:Fatal|.{0,40}fatal error).{0,80})/,
        /(?<line>uncorrectable (?:double bit )?(?:ECC )?error.{0,60}(?:GPU|framebuffer))/i,
      ],
    },
  ),
  xids(
    'gpu_reset',
    'gpu_needs_reset',
    'kernel: NVRM: Xid (PCI:0000:01:00): 119, Timeout waiting for RPC from GSP',
    [
      'NVRM: Xid (PCI:0000:01:00): 119, pid=2040, name=nvidia-smi, Timeout after 6s of waiting for RPC response from GPU0 GSP! Expected function 76 (GSP_RM_CONTROL) (0x20802068 0x4).',
      'NVRM: Xid (PCI:0000:01:00): 95, pid=99, name=python3, Uncontained: FBHUB. RST: Yes, D-RST: No',
      'NVRM: Xid (PCI:0000:10:1c): 63, pid=1896, Row Remapper: New row marked for remapping, reset gpu to activate.',
      'NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x62:0x40:2477)',
      'NVRM: GPU6 _kgspIsHeartbeatTimedOut: Heartbeat timed out, currentTimeMs 812751949 heartbeat 1899482',
    ],
    {
      patterns: [
        /(?<line>NVRM: (?:GPU \S+: )?(?:RmInitAdapter|rm_init_adapter(?:\(\d+\))?) failed.{0,60})/,
        /(?<line>NVRM: .{0,60}Cannot initialize GSP firmware RM)/,
        // Before, or in place of, Xid 119.
        /(?<line>NVRM: .{0,60}(?:_kgspIsHeartbeatTimedOut: Heartbeat timed out|\* GSP Timeout \*))/,
        /(?<line>NVMLError_ResetRequired|GPU requires reset)/i,
      ],
    },
  ),
  xids(
    'xid_program',
    'gpu_fault',
    'kernel: NVRM: Xid (PCI:0000:01:00): 31, MMU Fault',
    [
      'NVRM: Xid (PCI:0000:01:00): 31, pid=4242, name=VLLM::EngineCor, Ch 0000001b, intr 00000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f12_34560000. Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ',
      'NVRM: Xid (PCI:0000:01:00): 13, pid=4242, Graphics SM Warp Exception on (GPC 0, TPC 0, SM 0): Illegal Instruction Encoding',
      'NVRM: Xid (0000:03:00): 94, pid=42, name=python3, Contained: SM (0x1). RST: No, D-RST: No',
    ],
    { strength: 'weak' },
  ),
  xids(
    'xid_follows',
    'gpu_fault',
    'kernel: NVRM: Xid (PCI:0000:01:00): 45, Preemptive channel removal',
    ['NVRM: Xid (PCI:0000:01:00): 45, pid=4242, name=python3, Ch 00000010'],
    { strength: 'secondary' },
  ),
  xids(
    'xid_recovery',
    'gpu_needs_reset',
    'kernel: NVRM: Xid (PCI:0000:01:00): 154, GPU recovery action changed',
    [
      'NVRM: Xid (PCI:0000:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)',
    ],
    { strength: 'secondary' },
  ),
  xids(
    'gpu_unsupported',
    'gpu_unsupported',
    'kernel: NVRM: The NVIDIA GPU is not supported by this driver',
    [
      'NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:2bb1) installed in this system requires use of the NVIDIA open kernel modules.',
      'NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:1db6) installed in this system is not supported by open nvidia.ko because it does not include the required GPU System Processor (GSP).',
      'NVRM: The NVIDIA Tesla K80 GPU installed in this system is supported through the NVIDIA 470.xx Legacy drivers.',
    ],
    {
      patterns: [
        /(?<line>requires use of the NVIDIA open kernel modules)/,
        /(?<line>NVRM: .{0,120}is not supported by (?:the?|open)\s*$)/,
        /(?<line>Open nvidia\.ko is only ready for use on Data Center GPUs)/,
        /(?<line>is not supported by (?:open nvidia\.ko|the NVIDIA \S+ driver release))/,
        /(?<line>supported through the NVIDIA \S+ Legacy drivers)/,
        /(?<line>NVRM: ignoring the legacy GPU \S+)/,
      ],
    },
  ),
  xids(
    'probe_failed',
    'gpu_driver_not_loaded',
    'kernel: NVRM: The NVIDIA probe routine failed for 1 device(s)',
    [
      'NVRM: The NVIDIA probe routine failed for 1 device(s).',
      'NVRM: None of the NVIDIA devices were initialized.',
      'nvidia: probe of 0000:01:00.0 failed with error -1',
    ],
    {
      // The end of every failed start of the driver: what has made it fail stands beside it.
      strength: 'weak',
      patterns: [
        /(?<line>NVRM: The NVIDIA probe routine failed for \d+ device)/,
        /(?<line>NVRM: None of the NVIDIA (?:graphics adapters|devices) were initialized)/,
        /(?<line>nvidia\S{0,20}: probe (?:of \S{1,20}|with driver nvidia) failed with error -\d+)/,
      ],
    },
  ),
  xids(
    'secure_boot',
    'gpu_driver_blocked',
    'kernel: module verification failed / Loading of module with unavailable key is rejected',
    [
      "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service",
      'Loading of module with unavailable key is rejected',
      'ERROR: The kernel module failed to load. Secure boot is enabled on this system, so this is likely because it was not signed',
      'Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7',
      "modprobe: ERROR: could not insert 'nvidia': Required key not available",
      'insmod: ERROR: could not insert module nvidia.ko: Operation not permitted',
    ],
    {
      patterns: [
        /(?<line>could not insert (?:module )?'?nvidia\S*: (?:Key was rejected by service|Required key not available|Operation not permitted))/,
        /(?<line>Loading of (?:unsigned )?module with unavailable key is rejected)/,
        /(?<line>kernel module failed to load\. Secure ?[Bb]oot is enabled on this system)/,
        /(?<line>Loading of unsigned module is rejected)/,
        /(?<line>Lockdown: \S+ unsigned module loading is restricted)/,
      ],
    },
  ),
  xids(
    'nouveau',
    'gpu_nouveau',
    'kernel: NVRM: another driver (nouveau) has obtained ownership of the NVIDIA device',
    [
      'NVRM: This can occur when a driver such as: NVRM: nouveau, rivafb, nvidiafb or rivatv NVRM: was loaded and obtained ownership of the NVIDIA device(s).',
      'NVRM: GPU 0000:01:00.0 is already bound to nouveau.',
      'NVRM: obtained ownership of the NVIDIA device(s).',
      'ERROR: The Nouveau kernel driver is currently in use by your system.  This driver is incompatible with the NVIDIA driver, and must be disabled before proceeding.',
    ],
    {
      patterns: [
        /(?<line>NVRM: .{0,200}(?:nouveau|obtained ownership of the NVIDIA device))/,
        /(?<line>The Nouveau kernel driver is currently in use)/,
        /(?<line>NVRM: The NVIDIA probe routine was not called for \d+ device)/,
      ],
    },
  ),
];
